// What exported logs are written with: sets and maps as expressions.

fun With(all: set[int], one: int): set[int] {
  all += (one);
  return all;
}

fun WithAction(all: set[tActionId], one: tActionId): set[tActionId] {
  all += (one);
  return all;
}

fun WithTarget(all: map[int, int], agent: int, number: int): map[int, int] {
  all[agent] = number;
  return all;
}
