import { type ComponentType, lazy, useState } from "react";

/**
 * A page that is fetched when it is first needed. One that is there already is shown at once: behind `lazy` it would wait a
 * third of a second for no reason, since what stood in for it was just shown.
 */
export function page(load: () => Promise<{ default: ComponentType }>) {
  let there: ComponentType | null = null;
  const fetch = async () => {
    const loaded = await load();
    there = loaded.default;
    return loaded;
  };
  const Later = lazy(fetch);
  function Page() {
    // What it is stays what it was at first, or the page would begin anew.
    const [Shown] = useState(() => there ?? Later);
    return <Shown />;
  }
  return Object.assign(Page, { fetch });
}
