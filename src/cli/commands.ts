import type { Command } from 'commander'
import { UserError } from '../errors.ts'
import { type Adding, json } from './adding.ts'
import type { NewKey } from './commands/access.ts'
import type { AddFlags } from './commands/ca.ts'
import type { ClientFlags } from './commands/client.ts'
import type { DevFlags } from './commands/dev-world.ts'
import type { EnvFlags } from './commands/env.ts'
import type { TrustFlags } from './commands/trust.ts'
import type { World } from './output.ts'
import { watchStdin } from './stop-reasons.ts'
import { addProfileCommands, addReplay, addTraffic } from './traffic-commands.ts'

/**
 * Adds every command, in the order of `--help`: how it is called. What it does is in its own file of
 * `commands/`, which is loaded when it is run and for nothing else.
 */
export function addCommands(
  program: Command,
  { world, onExitCode }: { world: World; onExitCode: (code: number) => void },
): void {
  const act: Adding['act'] =
    (body) =>
    async (...args) =>
      onExitCode(await body(...args))
  for (const add of [
    addDev,
    addCerts,
    addConnect,
    addDisconnect,
    addAdmin,
    addTraffic,
    addReplay,
    addProfileCommands,
    addCloudflared,
    addClient,
    addAccess,
    addTrust,
    addCa,
    addDoctor,
  ]) {
    add({ program, world, act })
  }
}

function addDev({ program, world, act }: Adding): void {
  program
    .command('dev')
    .description('start the gateway and print how to connect (what `pnpm dev:https` runs)')
    .option('--port <number>', 'port of the local HTTP listener (PORT, 3001)')
    .option('--https-port <number>', 'port of the local HTTPS listener (HTTPS_PORT, 3443)')
    .option('--host <address>', 'address to listen on (HOST, 127.0.0.1)')
    .option(
      '--tunnel <kind>',
      'auto, local, external, none, or providers in order, such as ngrok,local (TUNNEL, auto)',
    )
    .option('--allow-anonymous', 'let strangers use profiles whose "auth" is "none"')
    .option('--any-subdomain', 'take another tunnel name than the one asked for')
    .option('--client <names>', 'show these clients instead of Claude Code: codex,cursor')
    .option('--write', 'keep the address in the files of these clients')
    .option('--undo-on-exit', 'take it out of them again at the end')
    .option('--config <file>', 'configuration file (SALLYPORT_CONFIG, config/gateway.json)')
    .option('--strict-port', 'fail when a port is taken instead of using the next free one')
    .option('--no-https', 'serve plain HTTP only (what `pnpm dev` does)')
    .option('--json', 'print one JSON object per line on standard output')
    .option('--no-keys', 'do not listen to keys')
    .addHelpText('after', devHelpAfter)
    .action(
      act(async (flags: DevFlags) => {
        // Before all that takes time to load, during which whoever started us may go.
        const stdin = watchStdin(world.process)
        const [{ runDev }, { createDevWorld }] = await Promise.all([
          import('./commands/dev.ts'),
          import('./commands/dev-world.ts'),
        ])
        return runDev(createDevWorld(flags, { ...world, stdin }))
      }),
    )
}

function addCerts({ program, world, act }: Adding): void {
  json(program.command('certs').argument('[action]', 'show or renew', 'show'))
    .description('show or renew the local certificate')
    .action(
      act(async (action: string) => {
        if (action !== 'show' && action !== 'renew') {
          throw new UserError('USAGE', `There is no "sallyport certs ${action}".`, {
            hint: 'Known are `sallyport certs show` and `sallyport certs renew`.',
          })
        }
        return (await import('./commands/certs.ts')).runCerts(action, world)
      }),
    )
}

function addConnect({ program, world, act }: Adding): void {
  json(program.command('connect').argument('<server>', 'its name in the configuration file'))
    .description('log in to a server that waits for it')
    .action(
      act(async (server: string) => (await import('./commands/connect.ts')).connect(server, world)),
    )
}

function addDisconnect({ program, world, act }: Adding): void {
  json(program.command('disconnect').argument('<server>', 'its name in the configuration file'))
    .description('revoke and forget the login to a server')
    .action(
      act(async (server: string) =>
        (await import('./commands/disconnect.ts')).disconnect(server, world),
      ),
    )
}

function addAdmin({ program, world, act }: Adding): void {
  json(program.command('admin'))
    .description('print the link that opens the admin page, once')
    .action(act(async () => (await import('./commands/admin.ts')).admin(world)))
}

function addCloudflared({ program, world, act }: Adding): void {
  program
    .command('cloudflared')
    .description('install the cloudflared program that Cloudflare tunnels need')
    .argument('<action>', 'install')
    .option('--yes', 'download without asking')
    .option('--json', 'print one JSON object')
    .action(
      act(async (action: string, flags: { yes?: boolean }) => {
        if (action !== 'install') {
          throw new UserError('USAGE', `There is no "sallyport cloudflared ${action}".`, {
            hint: 'Known is `sallyport cloudflared install`.',
          })
        }
        const { cloudflared } = await import('./commands/cloudflared.ts')
        return cloudflared({ yes: flags.yes ?? false }, world)
      }),
    )
}

function addClient({ program, world, act }: Adding): void {
  program
    .command('client')
    .description('show how an MCP client is connected, or write it into its configuration')
    .argument('[name]', 'such as cursor; all are listed without it')
    .option('--profile <name>', 'the profile to connect to (default)')
    .option('--url <url>', 'another address than the one of the gateway in this folder')
    .option('--key <variable>', 'send the API key that this environment variable holds')
    .option('--write', "write it into the client's own file, and nothing else there")
    .option('--scope <scope>', 'which file: project (this folder) or user (user)')
    .option('--force', 'also where an entry of that name is not ours')
    .option('--undo', 'take what was written out again')
    .option('--copy', 'copy the snippet to the clipboard')
    .option('--qr', 'show the address as a QR code')
    .option('--json', 'print one JSON object')
    .action(
      act(async (name: string | undefined, flags: ClientFlags) =>
        (await import('./commands/client.ts')).client(name, flags, world),
      ),
    )
}

/** `keys`, `grants` and `oauth`: who may use what is exposed. */
function addAccess({ program, world, act }: Adding): void {
  const access = () => import('./commands/access.ts')
  const keys = program.command('keys').description('API keys of profiles')
  json(keys.command('create'))
    .description('make a key; it is shown once')
    .requiredOption('--profile <name>', 'the profile it is good for')
    .option('--name <text>', 'what it is for')
    .option('--expires <duration>', 'how long it is good for, such as 30d')
    .action(act(async (key: NewKey) => (await access()).createKey(key, world)))
  json(keys.command('list'))
    .description('list the keys, and when each was last used')
    .action(act(async () => (await access()).listKeys(world)))
  json(keys.command('revoke').argument('<id>'))
    .description('end a key')
    .action(act(async (id: string) => (await access()).revokeKey(id, world)))

  const grants = program.command('grants').description('what clients have been allowed')
  json(grants.command('list'))
    .description('list the grants')
    .action(act(async () => (await access()).listGrants(world)))
  json(grants.command('revoke').argument('<id>'))
    .description('end a grant and every token that came from it')
    .action(act(async (id: string) => (await access()).revokeGrant(id, world)))

  const oauth = program.command('oauth').description('the keys that access tokens are signed with')
  json(oauth.command('rotate-keys'))
    .description('sign access tokens with a new key')
    .action(act(async () => (await access()).rotateKeys(world)))
}

/** `trust` and `env`: whom the programs of this machine trust. */
function addTrust({ program, world, act }: Adding): void {
  program
    .command('trust')
    .description('make browsers, the system and Java trust our authority')
    .option('--status', 'only say how it stands')
    .option('--undo', 'remove what was installed, of earlier authorities too')
    .option('--dry-run', 'list every command, and run none')
    .option('--only <stores>', 'some of system, nss (Firefox, Chrome on Linux) and java')
    .option('--yes', 'run the commands without asking')
    .option('--json', 'print one JSON object')
    .action(
      act(async (flags: TrustFlags) => (await import('./commands/trust.ts')).trust(flags, world)),
    )
  program
    .command('env')
    .description('print what runtimes and clients need to trust our authority')
    .option('--shell <name>', 'bash, zsh, fish, powershell or cmd; yours unless given')
    .option('--client <name>', 'one of them only, such as java, claude-code, codex or gemini-cli')
    .option('--json', 'print one JSON object')
    .action(act(async (flags: EnvFlags) => (await import('./commands/env.ts')).env(flags, world)))
}

/** Which authorities and client certificates connections to a server use. */
function addCa({ program, world, act }: Adding): void {
  const ca = () => import('./commands/ca.ts')
  const group = program
    .command('ca')
    .description('certificate authorities and client certificates of servers')
  json(group.command('add').argument('<server>').argument('[files...]'))
    .description('trust the authorities in .pem, .crt, .cer and .cert files for one server')
    .option('--replace', 'put them in the place of what there is')
    .option('--client-cert <file>', 'the certificate to present to the server, with its chain')
    .option('--client-key <file>', 'its private key; it is kept sealed')
    .addHelpText('after', caAddHelpAfter)
    .action(
      act(async (server: string, files: string[], flags: AddFlags) =>
        (await ca()).addToBundle({ server, files, flags }, world),
      ),
    )
  json(group.command('list'))
    .description('list what is kept: roots first, what is missing, and when it expires')
    .action(act(async () => (await ca()).listBundles(world)))
  json(group.command('remove').argument('<server>'))
    .description('remove what is kept for a server')
    .option('--client-cert', 'only the client certificate and its key')
    .action(
      act(async (server: string, { clientCert = false }: { clientCert?: boolean }) =>
        (await ca()).removeBundle({ server, clientCertificateOnly: clientCert }, world),
      ),
    )
  json(group.command('test').argument('<server>'))
    .description('connect to a server and explain its chain; exit code 1 when it does not verify')
    .action(act(async (server: string) => (await ca()).testServer(server, world)))
  json(group.command('audit').argument('[server]'))
    .description('list the changes: who, when, from where')
    .action(act(async (server?: string) => (await ca()).showAudit(server, world)))
  json(group.command('rotate-keys'))
    .description('sign what is kept with a new key')
    .action(act(async () => (await ca()).rotateBundleKeys(world)))
}

function addDoctor({ program, world, act }: Adding): void {
  json(program.command('doctor'))
    .description('say what is wrong here and what fixes it; changes nothing')
    .addHelpText('after', doctorHelpAfter)
    .action(act(async () => (await import('./commands/doctor.ts')).doctor(world)))
}

const devHelpAfter = `
In parentheses: the variable an option overrides, and its default. Variables are
read from the environment and .env; .env.example explains them all.

Examples:
  pnpm dev:https
  pnpm dev:https --tunnel none --strict-port
  APP_URL=https://mcp.example.com pnpm dev:https
  pnpm dev:https --json | jq -r 'select(.event == "ready").appUrl'
`

const caAddHelpAfter = `
Nothing is kept unless every file is accepted, and a private key never is, but for
the one after --client-key.

Examples:
  pnpm sallyport ca add intranet company-root.pem issuing-ca.cer
  pnpm sallyport ca add intranet --client-cert me.pem --client-key me-key.pem
  pnpm sallyport ca test intranet
`

const doctorHelpAfter = `
Looks at settings, ports, certificates, trust, tunnel, metadata and client files, with the gateway
running or without it. Ends with 1 when something fails; docs/troubleshooting.md tells more.
`
