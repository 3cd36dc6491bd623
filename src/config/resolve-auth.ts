import type { Environment } from './environment-schema.ts'
import type { AuthSettings } from './resolved-config.ts'

/** Gathers whose tokens are taken, and the ways to sign in that have both id and secret. */
export function resolveAuth(values: Environment): AuthSettings {
  const provider = (
    [name, label, kind]: readonly [string, string, 'github' | 'oidc'],
    issuer: string | undefined,
    [clientId, clientSecret]: readonly [string | undefined, string | undefined],
  ): AuthSettings['signIn'] =>
    issuer !== undefined && clientId !== undefined && clientSecret !== undefined
      ? [{ name, label, kind, issuer, clientId, clientSecret }]
      : []
  return {
    issuer: values.AUTH_ISSUER,
    allow: values.AUTH_ALLOW,
    redirectSchemes: values.AUTH_REDIRECT_SCHEMES,
    signIn: [
      ...provider(['github', 'GitHub', 'github'], 'https://github.com/login/oauth', [
        values.AUTH_GITHUB_CLIENT_ID,
        values.AUTH_GITHUB_CLIENT_SECRET,
      ]),
      ...provider(['google', 'Google', 'oidc'], 'https://accounts.google.com', [
        values.AUTH_GOOGLE_CLIENT_ID,
        values.AUTH_GOOGLE_CLIENT_SECRET,
      ]),
      ...provider(['oidc', 'your identity provider', 'oidc'], values.AUTH_OIDC_ISSUER, [
        values.AUTH_OIDC_CLIENT_ID,
        values.AUTH_OIDC_CLIENT_SECRET,
      ]),
    ],
  }
}
