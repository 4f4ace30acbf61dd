/** Where the code of functions and the files of the page come from. */
export interface Assets {
  /** Writes the bundle of a function of lambdas/, and its source map, into a folder. */
  writeFunction(name: string, folder: string): void;
  /** Writes the files of the dashboard into a folder. */
  writePage(folder: string): void;
}
