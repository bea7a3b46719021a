export { checks } from './catalogue.ts';
export type { Check, CheckContext, Needs, Verdict } from './check.ts';
export { commandLine } from './command-line.ts';
export type { FlowReport, Nibox, NiboxStatus, TunnelReport } from './nibox.ts';
export { waitUntilReady } from './ready.ts';
export { type Result, type RunOptions, runChecks } from './run.ts';
export { checkStopped, type NiboxTraces, noteTraces } from './stopped.ts';
export { formatTable } from './table.ts';
export { onTap } from './tap-variant.ts';
