import { z } from 'zod';
import { documentSchema } from './native/schema.ts';

export { formatIssue } from './issue.ts';
export { readConfigFile, readConfigText } from './read.ts';
export { uplinksOf } from './uplinks.ts';

/** The JSON Schema of nibox's own format, for editors. */
export function jsonSchema(): object {
  return { ...z.toJSONSchema(documentSchema, { io: 'input' }), title: 'nibox device configuration' };
}
