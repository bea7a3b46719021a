export type { ExecOptions, ExecResult } from './exec.ts';
export { bigDownloadBytes } from './files.ts';
export { apps, clouds, deviceService, gatewayAddresses, gatewayDhcp, members, sites } from './layout.ts';
export { type Lease, parseLease } from './lease.ts';
export type { ProcessRecord } from './processes.ts';
export type { ShellCommand } from './shell.ts';
export type { SupervisorOptions } from './supervisor.ts';
export { World, type WorldOptions } from './world.ts';
