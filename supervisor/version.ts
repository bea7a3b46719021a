/** Set by the bundler, from package.json. */
declare const NIBOX_VERSION: string;

/** nibox's own version; a run from source has none. */
export const version: string = typeof NIBOX_VERSION === 'string' ? NIBOX_VERSION : '0.0.0-dev';
