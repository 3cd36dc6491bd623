import { it } from 'vitest'

/**
 * A test of one row of docs/troubleshooting.md, under what the row says one sees: provokes it for
 * real, and wants the program itself to say the cure. `table.test.ts` compares both lists.
 */
export function row(youSee: string, provoke: () => Promise<void>): void {
  it.skipIf(process.platform === 'win32')(youSee, provoke)
}
