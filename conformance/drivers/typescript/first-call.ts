/** The first call of a process: it loads and compiles what all later ones find there. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Calls } from "./tables.js";

/** Make one call to a server that answers it. */
export async function warmUp(calls: Calls): Promise<void> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end('{"object": "list", "data": []}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = calls.client("openai", { apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1` });
  await client.call(calls.operation("openai", "models.list"));
  await client.close();
  server.close();
  server.closeAllConnections();
}
