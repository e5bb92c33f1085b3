/** The folder of package.json and sql/. Code that is run lies one folder below it: src in a checkout, dist in a package. */
export const INSTALLATION: URL = new URL('../', import.meta.url);
