const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(${LABEL}\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`);

/** Returns true for a host name of more than one label, in lower case. */
export const isHostName = (text: string): boolean => HOST_NAME.test(text);
