import { join } from 'node:path';

/** Makes one file of the agent: there are ten of them, and a bundle starts in a fraction of the time and memory. */
export async function bundleAgent(file: string): Promise<void> {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(import.meta.dirname, 'main.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
}
