/**
 * Node's `http`, for whoever would import `node:http`. An `import` reads each of its exports, and in Node 24 `WebSocket` among them loads
 * undici (lib/http.js, lazyUndici): 45 ms of processor time and 14 MB of memory (measured), for something that nothing here uses.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http');
