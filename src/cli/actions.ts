import type { CommandActions } from './command-actions.ts'
import type { CommandWorld } from './command-world.ts'

/** Wires the commands to the real world. Each loads what it needs only when it runs. */
export function createActions(options: CommandWorld): CommandActions {
  return {
    async dev(flags) {
      const [{ runDev }, { createDevDeps }] = await Promise.all([
        import('./commands/dev.ts'),
        import('./commands/dev-world.ts'),
      ])
      return runDev(createDevDeps({ ...options, flags }))
    },
    async certs(action) {
      const [{ runCerts }, { createCertsDeps }] = await Promise.all([
        import('./commands/certs.ts'),
        import('./commands/certs-world.ts'),
      ])
      return runCerts(action, createCertsDeps(options))
    },
    async installCloudflared({ yes = false }) {
      const [{ runCloudflaredInstall }, { createCloudflaredDeps }] = await Promise.all([
        import('./commands/cloudflared.ts'),
        import('./commands/cloudflared-world.ts'),
      ])
      return runCloudflaredInstall({ yes }, createCloudflaredDeps(options))
    },
    async connect(server) {
      const [{ runConnect }, { createConnectDeps }] = await Promise.all([
        import('./commands/connect.ts'),
        import('./commands/connect-world.ts'),
      ])
      return runConnect(server, await createConnectDeps(options))
    },
    async trust(flags) {
      const [{ runTrust }, { createTrustDeps }] = await Promise.all([
        import('./commands/trust.ts'),
        import('./commands/trust-world.ts'),
      ])
      return runTrust(flags, await createTrustDeps(options))
    },
    async env(flags) {
      const [{ runEnv }, { createEnvDeps }] = await Promise.all([
        import('./commands/env.ts'),
        import('./commands/env-world.ts'),
      ])
      return runEnv(flags, await createEnvDeps(options))
    },
    async admin() {
      const [{ runAdmin }, { withAdmin }] = await Promise.all([
        import('./commands/admin.ts'),
        import('./commands/admin-world.ts'),
      ])
      return withAdmin(options, runAdmin)
    },
    async doctor() {
      const [{ runDoctor }, { createDoctorDeps }] = await Promise.all([
        import('./commands/doctor.ts'),
        import('./commands/doctor-world.ts'),
      ])
      return runDoctor(createDoctorDeps(options))
    },
    async client(name, flags) {
      const [{ listClients, runClient }, { createClientDeps }] = await Promise.all([
        import('./commands/client.ts'),
        import('./commands/client-world.ts'),
      ])
      const deps = await createClientDeps(options)
      return name === undefined ? listClients(deps) : runClient(name, flags, deps)
    },
    async access(command) {
      const [commands, { withAccess }] = await Promise.all([
        import('./commands/access.ts'),
        import('./commands/access-world.ts'),
      ])
      return withAccess(options, (deps) => {
        switch (command.do) {
          case 'create-key':
            return commands.createKey(command.key, deps)
          case 'revoke-key':
            return commands.revokeKey(command.id, deps)
          case 'revoke-grant':
            return commands.revokeGrant(command.id, deps)
          case 'list-keys':
            return commands.listKeys(deps)
          case 'list-grants':
            return commands.listGrants(deps)
          case 'rotate-keys':
            return commands.rotateKeys(deps)
        }
      })
    },
    async ca(command) {
      const [commands, { withBundles }] = await Promise.all([
        import('./commands/ca.ts'),
        import('./commands/ca-world.ts'),
      ])
      return withBundles(options, (deps) => {
        switch (command.do) {
          case 'add':
            return commands.addToBundle(command, deps)
          case 'remove':
            return commands.removeBundle(command, deps)
          case 'test':
            return commands.testServer(command.server, deps)
          case 'audit':
            return commands.showAudit(command.server, deps)
          case 'list':
            return commands.listBundles(deps)
          case 'rotate-keys':
            return commands.rotateBundleKeys(deps)
        }
      })
    },
  }
}
