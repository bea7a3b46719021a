/** What a manager may cost the supervisor, which others need too: it may have been taken over. */
export const MANAGER_LIMITS = {
  /** It has one connection; another one while that is replaced, and some to look. */
  connections: 8,
  /** On the supervisor's socket it says hello, subscribes and pings. */
  asking: { frameBytes: 64 * 1024, subscriptions: 64 },
  /** 250 VIFs and 1000 flow records take less than 2 MiB. */
  telling: { frameBytes: 4 * 1024 * 1024, mirroredBytes: 16 * 1024 * 1024 },
};
