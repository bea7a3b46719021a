/** The conformance checks of local network instances. */
export const LOCAL_CHECKS = [
  ...['C01', 'C02', 'C03', 'C04', 'C05', 'C06', 'C07', 'C08', 'C09', 'C10', 'C11', 'C12', 'C13', 'C14', 'C15'],
  ...['C19', 'C25', 'C26', 'C27', 'C28', 'C31', 'C32'],
];
