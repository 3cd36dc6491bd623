/** JSON-RPC leaves this code to implementations; here it stands for a failure of HTTP's own. */
const httpFailure = -32000

/**
 * A failure before there was a JSON-RPC request to answer, in the shape that MCP clients show to
 * people: an HTTP status with a JSON-RPC error whose `id` is null unless the request's is known.
 */
export function rpcErrorResponse(
  status: number,
  message: string,
  options: { code?: number; id?: unknown; headers?: Record<string, string> } = {},
): Response {
  const { code = httpFailure, id = null, headers = {} } = options
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id }, { status, headers })
}
