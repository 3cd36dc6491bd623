import { posix, win32 } from 'node:path'

/** Where a user's programs look for their files. */
export interface UserFolders {
  readonly platform: NodeJS.Platform
  readonly home: string
  /** The folder a command runs in. */
  readonly projectDir: string
  /** `APPDATA`, on Windows. */
  readonly appData?: string | undefined
  /** `XDG_CONFIG_HOME`, elsewhere. */
  readonly xdgConfig?: string | undefined
  /** `CODEX_HOME`. */
  readonly codexHome?: string | undefined
  /** `CLAUDE_CONFIG_DIR`. */
  readonly claudeConfigDir?: string | undefined
}

/** A path below the home folder. */
export function inHome({ platform, home }: UserFolders, ...segments: string[]): string {
  return joinOn(platform, home, ...segments)
}

/** A path below the folder a command runs in. */
export function inProject({ platform, projectDir }: UserFolders, ...segments: string[]): string {
  return joinOn(platform, projectDir, ...segments)
}

/** A path below the folder in which desktop applications keep their settings. */
export function inAppSettings(folders: UserFolders, ...segments: string[]): string {
  const { platform, home } = folders
  if (platform === 'win32') return inAppData(folders, ...segments)
  if (platform === 'darwin') {
    return joinOn(platform, home, 'Library', 'Application Support', ...segments)
  }
  return inConfigHome(folders, ...segments)
}

/** A path below `~/.config`, or what replaces it; also on macOS. */
export function inConfigHome(folders: UserFolders, ...segments: string[]): string {
  const { platform, home, xdgConfig } = folders
  return joinOn(platform, xdgConfig ?? joinOn(platform, home, '.config'), ...segments)
}

/** A path below the roaming folder of Windows. */
export function inAppData({ platform, home, appData }: UserFolders, ...segments: string[]): string {
  return joinOn(platform, appData ?? joinOn(platform, home, 'AppData', 'Roaming'), ...segments)
}

export function joinOn(platform: NodeJS.Platform, ...segments: string[]): string {
  return (platform === 'win32' ? win32 : posix).join(...segments)
}
