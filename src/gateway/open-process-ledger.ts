import { join } from 'node:path'
import { createProcessLedger, type ProcessLedger, reapLeftovers } from '../lib/process-ledger.ts'
import { createProcessReaper } from '../lib/process-reaper.ts'

/** Ends what a run that was killed left behind, and watches over the children of this one. */
export async function openProcessLedger(
  home: string,
  undo: AsyncDisposableStack,
): Promise<ProcessLedger> {
  const path = join(home, 'processes.json')
  await reapLeftovers(path)
  const ledger = createProcessLedger({ reaper: createProcessReaper(), path })
  undo.defer(async () => {
    await ledger.settled()
    ledger.close()
  })
  return ledger
}
