/** What needs Node: files, configuration files, and a transport that keeps what `fetch` cannot. */

export { ConfigFile } from "./config-file.js";
export { fileFromPath, keyFile, saveDownload, streamToFile } from "./files.js";
export { NodeTransport } from "./transport.js";
export type { NodeTransportOptions } from "./transport.js";
