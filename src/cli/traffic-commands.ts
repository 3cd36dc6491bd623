import { type Adding, json } from './adding.ts'
import type { CallFlags } from './commands/call.ts'
import type { ReplayFlags } from './commands/replay.ts'
import type { TrafficFlags } from './commands/traffic.ts'
import type { ProfileFlags } from './profile-client.ts'

/** What passes through the gateway of a folder. */
export function addTraffic({ program, world, act }: Adding): void {
  program
    .command('traffic')
    .description('show what passes through the gateway of this folder')
    .option('-f, --follow', 'what passes from now on, until Ctrl-C')
    .option('--profile <name>', 'only of this profile')
    .option('--server <name>', 'only of this server')
    .option('--method <glob>', 'only such methods, such as tools/*')
    .option('--grep <text>', 'only what has this text anywhere')
    .option('--errors', 'only what went wrong')
    .option('-v, --verbose', 'with what was said')
    .option('--record <file>', 'keep it in a new file, one JSON object per line')
    .option('--har <file>', 'write it to a new file for the network panel of a browser')
    .option('--json', 'print one JSON object per line')
    .addHelpText('after', trafficHelpAfter)
    .action(
      act(async (flags: TrafficFlags) =>
        (await import('./commands/traffic.ts')).traffic(flags, world),
      ),
    )
}

export function addReplay({ program, world, act }: Adding): void {
  json(program.command('replay').argument('<file>', 'a recording'))
    .description('send recorded calls again, and show what is answered otherwise')
    .option('--against <profile>', 'ask this profile instead of the recorded one')
    .option('--only <glob>', 'only such tools, prompts, resources or methods')
    .option('--key <variable>', 'send the API key that this environment variable holds')
    .addHelpText('after', replayHelpAfter)
    .action(
      act(async (file: string, flags: ReplayFlags) =>
        (await import('./commands/replay.ts')).replay(file, flags, world),
      ),
    )
}

/** What a profile has, from the shell. */
export function addProfileCommands({ program, world, act }: Adding): void {
  const body = () => import('./commands/call.ts')
  const key = ['--key <variable>', 'send the API key that this environment variable holds'] as const
  json(
    program
      .command('list')
      .argument('[profile]', 'its name', 'default')
      .option(...key),
  )
    .description('list the tools, prompts and resources of a profile')
    .action(
      act(async (profile: string, flags: ProfileFlags) =>
        (await body()).list(profile, flags, world),
      ),
    )
  json(
    program
      .command('call')
      .argument('<profile>')
      .argument('<tool>')
      .option(...key),
  )
    .argument('[arguments...]', 'a JSON object, pairs such as city=Oslo, or - to read it')
    .description('call a tool; the exit code is 1 when it fails')
    .option('--save <folder>', 'keep images and other files of the result there')
    .addHelpText('after', callHelpAfter)
    .action(
      act(async (profile: string, tool: string, typed: string[], flags: CallFlags) =>
        (await body()).call({ profile, tool, typed }, flags, world),
      ),
    )
  json(
    program
      .command('read')
      .argument('<profile>')
      .argument('<uri>')
      .option(...key),
  )
    .description('read a resource')
    .action(
      act(async (profile: string, uri: string, flags: ProfileFlags) =>
        (await body()).read({ profile, uri }, flags, world),
      ),
    )
}

const trafficHelpAfter = `
Nothing is kept while nobody watches, and no secret is ever shown.

Examples:
  pnpm sallyport traffic -f
  pnpm sallyport traffic -f --server weather --errors -v
  pnpm sallyport traffic -f --record calls.jsonl --har calls.har
`

const replayHelpAfter = `
The exit code is 1 when anything is answered otherwise. Calls whose request holds a
secret are left out, as no recording has one.

Examples:
  pnpm sallyport traffic -f --record calls.jsonl
  pnpm sallyport replay calls.jsonl --only 'forecast*'
`

const callHelpAfter = `
By the gateway that runs in this folder, or by one that is started for it.

Examples:
  pnpm sallyport list
  pnpm sallyport call default forecast city=Oslo days=3
  echo '{"city": "Oslo"}' | pnpm sallyport call default forecast -
`
