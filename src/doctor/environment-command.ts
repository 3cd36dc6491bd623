import type { DoctorWorld } from './world.ts'

/** The line that makes the shell of now trust our authority, in that shell's own words. */
export function environmentCommand({
  platform,
  settings,
}: Pick<DoctorWorld, 'platform' | 'settings'>): string {
  const print = 'pnpm -s sallyport env --shell'
  if (platform === 'win32') return `${print} powershell | Out-String | Invoke-Expression`
  return /\bfish$/.test(settings.environment.SHELL ?? '')
    ? `${print} fish | source`
    : `eval "$(${print} bash)"`
}
