import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Kills registered process groups when this process dies, however it dies. A small shell process
 * of its own session waits on a pipe that only we hold; the pipe ends with us, even by SIGKILL.
 */
export interface ProcessReaper {
  /** Registers the process group led by `pid`; the returned function forgets it again. */
  watch(pid: number): () => void
  /** Ends the helper once nothing is registered any more. */
  close(): void
}

// SIGTERM first, so that a group may clean up; SIGKILL a second later for what ignores it. The
// arguments are a program for the end, unless that is an orderly one.
const script = `
trap '' HUP INT TERM
groups=""
while read -r verb id; do
  case "$verb" in
    add) groups="$groups $id" ;;
    del) kept=""; for g in $groups; do [ "$g" = "$id" ] || kept="$kept $g"; done; groups="$kept" ;;
    bye) set -- ;;
  esac
done
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
[ $# -eq 0 ] || "$@" &
[ -n "$groups" ] || exit 0
sleep 1
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
`

/**
 * Creates a reaper. Its helper starts at once, since starting it with the first group would leave
 * that group unwatched for a moment. On Windows it only keeps the list.
 * @param lastWill a program and its arguments, run when this process dies before `close`
 */
export function createProcessReaper(lastWill: readonly string[] = []): ProcessReaper {
  const groups = new Set<number>()
  let closed = false
  let helper = process.platform === 'win32' ? undefined : start()

  function tell(line: string): void {
    helper?.stdin?.write(`${line}\n`)
  }

  function start(): ChildProcess {
    const child = spawn('/bin/sh', ['-c', script, 'reaper', ...lastWill], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
    })
    child.unref()
    // Without a handler a helper that was killed would raise EPIPE here; its exit replaces it.
    child.stdin?.on('error', () => {})
    child.on('error', () => {})
    child.on('exit', () => {
      if (closed) return
      helper = start()
      for (const pid of groups) tell(`add ${pid}`)
    })
    return child
  }

  return {
    watch(pid) {
      groups.add(pid)
      tell(`add ${pid}`)
      return () => {
        if (groups.delete(pid)) tell(`del ${pid}`)
      }
    },
    close() {
      closed = true
      tell('bye')
      helper?.stdin?.end()
    },
  }
}

/**
 * Sends a signal to a process group, or to the process alone where there are no groups.
 * @returns false when nobody was there to receive it
 */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
    return true
  } catch {
    // ESRCH: already gone. EPERM cannot happen to our own children.
    return false
  }
}
