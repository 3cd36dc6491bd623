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

export type UserPlaces = ReturnType<typeof placesOf>

/** Paths below the usual folders, as the platform writes them. */
export function placesOf(folders: UserFolders) {
  const { platform, home, appData, xdgConfig } = folders
  const isWindows = platform === 'win32'
  const { join } = isWindows ? win32 : posix
  const inAppData = (...segments: string[]) =>
    join(appData ?? join(home, 'AppData', 'Roaming'), ...segments)
  const inConfigHome = (...segments: string[]) =>
    join(xdgConfig ?? join(home, '.config'), ...segments)
  return {
    join,
    isWindows,
    folders,
    inHome: (...segments: string[]) => join(home, ...segments),
    /** Below the folder a command runs in. */
    inProject: (...segments: string[]) => join(folders.projectDir, ...segments),
    /** Below the roaming folder of Windows. */
    inAppData,
    /** Below `~/.config`, or what replaces it; also on macOS. */
    inConfigHome,
    /** Below the folder in which desktop applications keep their settings. */
    inAppSettings(...segments: string[]) {
      if (isWindows) return inAppData(...segments)
      if (platform !== 'darwin') return inConfigHome(...segments)
      return join(home, 'Library', 'Application Support', ...segments)
    },
  }
}
