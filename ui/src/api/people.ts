import { useQuery } from "@tanstack/react-query";
import { api, need } from "./client";
import { useMay } from "./session";
import type { Person } from "./types";

/** Colleagues that work can be given to. */
export function usePeople() {
  const internal = useMay("read_internal");
  return useQuery<Person[]>({ queryKey: ["people"], queryFn: () => need(api.GET("/api/v1/people")), enabled: internal, staleTime: 60_000 });
}

/** As a list to choose from. */
export function peopleOptions(people: Person[] | undefined) {
  return people?.map(({ id, name }) => ({ value: id as string, label: name })) ?? [];
}
