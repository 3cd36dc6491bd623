import { isIP } from 'node:net'
import * as z from 'zod'

function port(standard: number) {
  const rule = { error: 'must be a port number from 0 to 65535, where 0 takes any free one' }
  return z
    .string()
    .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, rule)
    .transform(Number)
    .default(standard)
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(text)
}

/**
 * Every variable of the environment the gateway reads, without the empty ones, which count as not
 * set. `.env.example` documents the same list.
 */
export const environmentSchema = z.object({
  PORT: port(3001).describe('Port of the local HTTP listener.'),
  HTTPS_PORT: port(3443).describe('Port of the local HTTPS listener.'),
  HOST: z
    .string()
    .refine(isHost, { error: 'must be a host name or an IP address, without scheme or port' })
    .default('127.0.0.1')
    .describe('Address to listen on.'),
  TUNNEL: z
    .enum(['auto', 'local', 'external', 'none'])
    .default('auto')
    .describe('How the gateway gets its public address.'),
  APP_URL: z.string().optional().describe('A public address of your own.'),
  APP_URL_FILES: z
    .string()
    .transform(splitList)
    .default(['.env'])
    .describe('Files whose APP_URL line follows the address, separated by commas.'),
  SALLYPORT_CONFIG: z.string().default('config/gateway.json').describe('Configuration file.'),
  SALLYPORT_HOME: z.string().default('.sallyport').describe('Folder of state, leaf and logs.'),
  SALLYPORT_CA_ROOT: z.string().optional().describe('Folder of the certificate authority.'),
  SSL_CERT_PATH: z.string().optional().describe('Certificate of your own, with its chain.'),
  SSL_KEY_PATH: z.string().optional().describe('Private key of that certificate.'),
  LOG_LEVEL: z
    .enum(['silent', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('warn')
    .describe('How much the log says.'),
})

export type Environment = z.output<typeof environmentSchema>
export type VariableName = keyof Environment

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
