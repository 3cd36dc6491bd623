import { readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { FSWatcher } from 'chokidar'
import type { GatewayFile, StdioServerConfig } from '../config/resolved-config.ts'
import type { WatchedFiles } from '../config/watched-files.ts'
import { messageOf } from '../errors.ts'
import type { GatewayEvent } from '../gateway-events.ts'
import type { McpHub } from '../mcp/hub.ts'

/** A save makes several events, and a formatter a second save, ms. */
const burstMs = 150
/** Folders that programs write for themselves. */
const ownFolders: ReadonlySet<string> = new Set([
  'node_modules',
  '.git',
  '.hg',
  '.svn',
  '.venv',
  'venv',
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.tox',
  '.cache',
  '.next',
  '.turbo',
  '.sallyport',
  'target',
])

interface Watched {
  readonly key: string
  readonly close: () => Promise<void>
}

/** Restarts servers under development when their files change, one server at a time for each. */
export function watchServers(options: {
  hub: Pick<McpHub, 'reloadServer'>
  onEvent: (event: GatewayEvent) => void
}) {
  const { hub, onEvent } = options
  const watched = new Map<string, Watched>()

  function watch(server: StdioServerConfig & { watch: WatchedFiles }): Watched['close'] {
    const { name } = server
    const changed = new Set<string>()
    let timer: NodeJS.Timeout | undefined
    let isClosed = false
    let reloading = Promise.resolve()

    async function reload(): Promise<void> {
      const files = [...changed]
      changed.clear()
      if (isClosed || files.length === 0) return
      const outcome = await hub.reloadServer(name)
      if (outcome && !isClosed) onEvent({ event: 'reload', server: name, files, ...outcome })
    }
    const opening = openWatcher(server.watch, (file) => {
      changed.add(file)
      clearTimeout(timer)
      timer = setTimeout(() => {
        // What changes while it restarts restarts it once more.
        reloading = reloading.then(reload)
      }, burstMs)
    })
    opening.catch((error: unknown) => {
      const message = `The files of server "${name}" cannot be watched: ${messageOf(error)}.`
      onEvent({ event: 'warning', code: 'NOT_WATCHED', message })
    })
    return async () => {
      isClosed = true
      clearTimeout(timer)
      await opening.then(
        (watcher) => watcher.close(),
        () => {
          // It was told that it could not be opened.
        },
      )
    }
  }

  async function stop(name: string): Promise<void> {
    const one = watched.get(name)
    watched.delete(name)
    await one?.close()
  }

  return {
    /** Watches what the servers of a configuration file ask for, and nothing else any more. */
    follow({ servers }: GatewayFile): void {
      const wanted = new Map(
        Object.values(servers).flatMap((server) =>
          server.type === 'stdio' && server.watch
            ? [[server.name, { ...server, watch: server.watch }] as const]
            : [],
        ),
      )
      for (const [name, { key }] of watched) {
        const server = wanted.get(name)
        if (!server || JSON.stringify(server.watch) !== key) void stop(name)
      }
      for (const [name, server] of wanted) {
        if (watched.has(name)) continue
        watched.set(name, { key: JSON.stringify(server.watch), close: watch(server) })
      }
    },
    async close(): Promise<void> {
      await Promise.all([...watched.keys()].map(stop))
    },
  }
}

export type ServerWatching = ReturnType<typeof watchServers>

async function openWatcher(
  { folder, globs }: WatchedFiles,
  onChange: (file: string) => void,
): Promise<FSWatcher> {
  const [{ watch }, { default: picomatch }, { default: ignore }] = await Promise.all([
    import('chokidar'),
    import('picomatch'),
    import('ignore'),
  ])
  const ignored = ignore().add(await readIgnored(folder))
  const matches = picomatch([...globs])
  const inFolder = (path: string) => relative(folder, path).split(sep).join('/')
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored(path) {
      const file = inFolder(path)
      return (
        file !== '' &&
        (file.split('/').some((part) => ownFolders.has(part)) || ignored.ignores(file))
      )
    },
  })
  watcher.on('all', (event, path) => {
    const file = inFolder(path)
    const isFile = event === 'add' || event === 'change' || event === 'unlink'
    if (isFile && matches(file)) onChange(file)
  })
  await new Promise<void>((resolve, reject) => watcher.once('ready', resolve).once('error', reject))
  return watcher
}

/** What the folder's own `.gitignore` names. */
async function readIgnored(folder: string): Promise<string> {
  return readFile(join(folder, '.gitignore'), 'utf8').catch(() => '')
}
