import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import type { DoctorWorld } from '../world.ts'

const oldestNode = 24

/** What runs the program. */
export const runtime: Check = {
  id: 'runtime',
  title: 'Node and pnpm',
  run: async (world) => [judgeNode(process.versions.node), await findPnpm(world)],
}

/** @param version such as `24.21.0` */
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
