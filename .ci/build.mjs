// Bundles the CLI with the supervisor (dist/nibox.js and its chunks) and the NetNS manager (dist/manager.cjs).
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  define: { NIBOX_VERSION: JSON.stringify(version) },
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  existsSync('supervisor/cli/main.ts') &&
    build({
      ...common,
      entryPoints: { nibox: 'supervisor/cli/main.ts' },
      outdir: 'dist',
      format: 'esm',
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      // CommonJS packages in an ES module bundle ask for `require`.
      banner: {
        js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
      },
    }),
  existsSync('netns-manager/main.ts') &&
    build({
      ...common,
      entryPoints: { manager: 'netns-manager/main.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.cjs' },
      format: 'cjs',
      minify: true,
      keepNames: false,
      external: ['long'],
    }),
]);
if (existsSync('dist/nibox.js')) chmodSync('dist/nibox.js', 0o755);
