/** Sources of function code and dashboard files. */
export interface Assets {
  /** Writes the bundle of a function of lambdas/, and its source map, into a folder. */
  writeFunction(name: string, folder: string): void;
  /** Writes the files of the dashboard into a folder. */
  writePage(folder: string): void;
}
