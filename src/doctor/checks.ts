import type { Check } from './check.ts'
import { address } from './checks/address.ts'
import { appUrl } from './checks/app-url.ts'
import { certificate } from './checks/certificate.ts'
import { clientConfiguration } from './checks/client-configuration.ts'
import { clock } from './checks/clock.ts'
import { configuration } from './checks/configuration.ts'
import { dns } from './checks/dns.ts'
import { fileModes } from './checks/file-modes.ts'
import { gateway } from './checks/gateway.ts'
import { httpRedirects } from './checks/http-redirects.ts'
import { metadata } from './checks/metadata.ts'
import { ports } from './checks/ports.ts'
import { redirectUris } from './checks/redirect-uris.ts'
import { runtime } from './checks/runtime.ts'
import { servedCertificate } from './checks/served-certificate.ts'
import { streaming } from './checks/streaming.ts'
import { tokens } from './checks/tokens.ts'
import { trust } from './checks/trust.ts'
import { trustVariables } from './checks/trust-variables.ts'
import { tunnelName } from './checks/tunnel-name.ts'
import { tunnelPrograms } from './checks/tunnel-programs.ts'
import { upstreamTrust } from './checks/upstream-trust.ts'

/** Everything that is looked into, in the order it is shown; one title stands for neighbours. */
export const checks: readonly Check[] = [
  runtime,
  configuration,
  appUrl,
  gateway,
  ports,
  tunnelPrograms,
  tokens,
  tunnelName,
  address,
  streaming,
  dns,
  clock,
  certificate,
  servedCertificate,
  trustVariables,
  trust,
  metadata,
  httpRedirects,
  redirectUris,
  upstreamTrust,
  clientConfiguration,
  fileModes,
]
