// Ports of notify.

export interface NoticePoster {
  /** Posts JSON and returns the status. Throws if no response arrives in time. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<{ status: number }>;
}
