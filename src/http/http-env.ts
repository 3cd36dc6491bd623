import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Endpoint } from '../mcp/endpoint/endpoint.ts'
import type { MessageReading } from '../mcp/request-reading.ts'
import type { Principal } from '../oauth/resource-server/access-control.ts'
import type { ListenerName } from '../origin/known-origins.ts'

/** What every request carries besides itself. */
export interface HttpEnv {
  Bindings: HttpBindings & {
    /** The socket it came in through, which no header can claim. */
    listener: ListenerName
  }
  Variables: {
    /** One of the known origins; set by the host guard. */
    origin: string
    /** The JSON body; set by the body reader. */
    body: unknown
    /** The same as it came. */
    text: string
    /** What that body asks for, read once for access and routing; set after it. */
    messages: readonly MessageReading[]
    /** Who was let in; set by the access check. */
    principal: Principal
    /** Of the profile in the path; set by its routes once it is known to be there. */
    endpoint: Endpoint
  }
}

export type HttpContext = Context<HttpEnv>
