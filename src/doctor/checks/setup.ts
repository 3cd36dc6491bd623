import { count } from '../../lib/wording.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { type DoctorWorld, namePath } from '../world.ts'

const oldestNode = 24

/** What runs the program. */
export const runtime: Check = {
  id: 'runtime',
  title: 'Node and pnpm',
  run: async (world) => [judgeNode(process.versions.node), await findPnpm(world)],
}

/**
 * @param version such as `24.21.0`
 * @internal
 */
export function judgeNode(version: string): Finding {
  const isFit = Number.parseInt(version, 10) >= oldestNode
  return isFit
    ? ok(`Node ${version} runs Sallyport.`)
    : fail(`Node ${version} is too old; Sallyport needs ${oldestNode}.`, 'npx pnpm@12 install')
}

async function findPnpm({ run, settings }: DoctorWorld): Promise<Finding> {
  const agent = /^pnpm\/(\S+)/.exec(settings.environment.npm_config_user_agent ?? '')
  if (agent) return ok(`pnpm ${agent[1]} runs the commands.`)
  // Corepack's stand-in would download it.
  const env = { COREPACK_ENABLE_NETWORK: '0' }
  const result = await run('pnpm', ['--version'], { env })
  return result.state === 'ended' && result.code === 0
    ? ok(`pnpm ${result.output.trim()} is installed.`)
    : warn(
        'pnpm was not found; `npx pnpm@12` stands for it in every command.',
        'npm install --global pnpm@12',
      )
}

/** Whether environment, `.env` and configuration file can be used. APP_URL has a check of its own. */
export const configuration: Check = {
  id: 'configuration',
  title: 'Configuration',
  async run(world) {
    if (!world.configuration.ok) {
      const { error } = world.configuration
      return error.code === 'APP_URL_INVALID' ? [] : problemsOf(error)
    }
    const { config, warnings } = world.configuration
    const servers = count(Object.keys(config.servers).length, 'server')
    const profiles = count(Object.keys(config.profiles).length, 'profile')
    const file = namePath(config.configFile, world)
    return [
      ok(`${file} has ${servers} and ${profiles}.`),
      ...warnings
        .filter((warning) => !warning.startsWith('APP_URL'))
        .map((warning) => warn(warning, `Edit ${file}.`)),
    ]
  },
}

/** Each line of an error is a problem of its own; the first one introduces them. */
function problemsOf({
  message,
  hint = '',
}: {
  message: string
  hint: string | undefined
}): Finding[] {
  const [head = '', ...lines] = message.split('\n')
  if (lines.length === 0) return [fail(head, hint)]
  const file = /^The configuration file (\S+)/.exec(head)?.[1]
  const where = file === undefined ? '' : `${file}: `
  return lines.map((line) => fail(`${where}${line.trim()}.`, hint))
}
