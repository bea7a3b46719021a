#!/usr/bin/env node
import { createProgram } from './program.ts';
import { showError } from './show-error.ts';

// Whoever reads may go first (`| head`); a demo world must come down nevertheless.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  await createProgram().parseAsync();
} catch (cause) {
  // At once: what a failed verb was still waiting for matters no more.
  process.exit(showError(cause));
}
