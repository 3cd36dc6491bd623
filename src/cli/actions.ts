import type { CommandWorld } from './command-world.ts'
import type { CommandActions } from './program.ts'

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
  }
}
