/** The version of this runtime, said once. */
export const VERSION = "0.1.0";
