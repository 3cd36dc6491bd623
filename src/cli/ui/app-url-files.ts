import type { Recovery, RestoredFile } from '../../config/app-url-files.ts'
import { shortPath } from '../../lib/short-path.ts'

/** What became of the APP_URL lines when we stopped; `undefined` when there were none. */
export function formatRestored(files: readonly RestoredFile[], folder: string): string | undefined {
  if (files.length === 0) return undefined
  return files.map((file) => formatFile(file, shortPath(file.path, folder))).join(' ')
}

function formatFile(file: RestoredFile, path: string): string {
  switch (file.outcome) {
    case 'restored':
    case 'unchanged':
      return `APP_URL in ${path} is as it was before.`
    case 'removed':
      return `${path}, which did not exist before, is gone again.`
    case 'edited':
      return `APP_URL in ${path} was changed meanwhile and was left alone.`
    case 'failed':
      return `APP_URL in ${path} could not be put back (${file.message}); the next start tries again.`
  }
}

/** What was repaired after a run that did not end properly; `undefined` when nothing was. */
export function formatRecovery(recovery: Recovery, folder: string): string | undefined {
  if (recovery.state !== 'recovered') return undefined
  const sentences = formatRestored(recovery.files, folder)
  return sentences && `The last run did not end properly. ${sentences}`
}
