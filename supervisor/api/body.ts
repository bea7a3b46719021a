import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';

const MIB = 1024 * 1024;
/** As for config files. */
const MAX_SIZE_MIB = 16;

/** Reads a request's body as UTF-8 text. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const limit = MAX_SIZE_MIB * MIB;
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooBig();
  const chunks: Buffer[] = [];
  let length = 0;
  // Throwing out of the loop would destroy the socket, and with it the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw tooBig();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    const message = 'the body is not UTF-8 text';
    throw new ApiError(400, { code: 'ERR_NOT_TEXT', message, remedy: 'send YAML or JSON in UTF-8' }, { cause });
  }
}

function tooBig(): ApiError {
  return new ApiError(413, {
    code: 'ERR_TOO_BIG',
    message: `the body is bigger than ${MAX_SIZE_MIB} MiB`,
    remedy: 'split the device, or generate less',
  });
}
