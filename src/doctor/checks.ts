import type { Check } from './check.ts'
import { appUrl } from './checks/app-url.ts'
import { certificate } from './checks/certificate.ts'
import { clientConfiguration } from './checks/client-configuration.ts'
import { clock } from './checks/clock.ts'
import { dns } from './checks/dns.ts'
import { fileModes } from './checks/file-modes.ts'
import { gateway, ports } from './checks/gateway.ts'
import { httpRedirects, metadata } from './checks/metadata.ts'
import { address, streaming } from './checks/public-address.ts'
import { redirectUris } from './checks/redirect-uris.ts'
import { servedCertificate } from './checks/served-certificate.ts'
import { configuration, runtime } from './checks/setup.ts'
import { programTrust } from './checks/trust.ts'
import { trustVariables } from './checks/trust-variables.ts'
import { tokens, tunnelName, tunnelPrograms } from './checks/tunnel.ts'
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
  programTrust,
  metadata,
  httpRedirects,
  redirectUris,
  upstreamTrust,
  clientConfiguration,
  fileModes,
]
