/** What the supervisor tells a manager at its start, as one JSON argument. */
export interface ManagerOptions {
  /** The network instance's name. */
  name: string;
  /** The instance prefix. */
  prefix: string;
  version: string;
  /** Directory of this NI alone, below the run directory: sockets and what is loaded. */
  runDirectory: string;
  logDirectory: string;
  /** How it is kept in: told in the status. */
  isolation: string;
}

/** File names in a network instance's directories, known to both sides. */
export const MANAGER_SOCKET = 'manager.sock';
export const SUPERVISOR_SOCKET = 'supervisor.sock';
export const MANAGER_LOG = 'manager.log';
