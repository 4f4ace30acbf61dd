// One function's process: loads the bundle, takes invocations from its parent, several at a time where they overlap.
// JavaScript: what strips types would hold 11 MB in every function's process.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @import { HostMessage, Invocation } from './function-sandbox.ts' */
/** @typedef {(event: unknown, context: unknown) => unknown} Handler */

const EXTENSIONS = ['.js', '.mjs', '.cjs'];

if (process.send) await serve(process.send.bind(process));

/** @param {(message: HostMessage) => void} send */
async function serve(send) {
  process.once('disconnect', () => process.exit(0));
  const handler = await loadHandler(process.argv[2] ?? '', process.argv[3] ?? '');
  process.on('message', async (/** @type {Invocation} */ invocation) => {
    try {
      const result = await handler(JSON.parse(invocation.event), contextOf(invocation));
      send({ kind: 'result', id: invocation.id, payload: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      console.error(error);
      send({ kind: 'failure', id: invocation.id, error: error instanceof Error ? error.message : String(error) });
    }
  });
  send({ kind: 'ready' });
}

/**
 * `index.handler` is the export `handler` of the module `index`.
 *
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<Handler>}
 */
async function loadHandler(folder, name) {
  const [file = '', exported = ''] = name.split('.');
  const path = EXTENSIONS.map((extension) => join(folder, file + extension)).find(existsSync);
  if (!path) throw new Error(`${folder} holds no module ${file}`);
  const module = await import(pathToFileURL(path).href);
  const handler = module[exported] ?? module.default?.[exported];
  if (typeof handler !== 'function') throw new Error(`${path} exports no function ${exported}`);
  return handler;
}

/** @param {Invocation} invocation */
function contextOf({ id, deadlineMs }) {
  const { AWS_LAMBDA_FUNCTION_NAME: functionName, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memoryLimitInMB } = process.env;
  return {
    awsRequestId: id,
    functionName,
    functionVersion: '$LATEST',
    memoryLimitInMB,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}
