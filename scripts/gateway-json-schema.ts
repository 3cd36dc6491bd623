import * as z from 'zod'
import { gatewayFileSchema } from '../src/config/gateway-file-schema.ts'

/** The JSON Schema editors complete and check `config/gateway.json` with, as the text of its file. */
export function gatewayJsonSchemaText(): string {
  // Editors know draft 7 best, and VS Code takes the two "allow" keys as leave for comments.
  const schema = z.toJSONSchema(gatewayFileSchema, { io: 'input', target: 'draft-7' })
  const document = {
    ...schema,
    title: 'Sallyport configuration',
    allowComments: true,
    allowTrailingCommas: true,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
