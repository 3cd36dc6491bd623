import { count } from '../../lib/wording.ts'
import { type Check, type Finding, fail, ok, warn } from '../check.ts'
import { namePath } from '../config-of.ts'

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
