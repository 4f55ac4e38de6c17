"""Plans of calls to tools: carry parcels through rooms whose doors are locked.

Source: plans that are graded by carrying them out, as in Valmeekam et al., "PlanBench", 2022; the world is our own.
"""

import json
import re

import numpy as np

from agentarch.answers import last_block
from agentarch.questions import MadeTask
from agentarch.task import QuestionRung

ROOMS = (
    "attic",
    "barn",
    "cellar",
    "den",
    "garage",
    "hall",
    "kitchen",
    "library",
    "office",
    "pantry",
    "studio",
)
PARCELS = ("anvil", "basket", "clock", "dynamo", "easel", "fiddle", "globe", "harp")
COLOURS = ("amber", "black", "green", "red", "white")
HANDS = 2
MOST_CALLS = 200
CALL = re.compile(
    r"(?:(?:[-*]|\d{1,3}[.):]) {0,4})?`?([a-z]{1,10})\( ?[\"']?([a-z]{1,20}(?: key)?)[\"']? ?\)[`;,.]?"
)


class ToolPlan(MadeTask):
    """Rooms that doors join, some locked, keys and parcels; the answer is a plan of calls, and the plan is carried out.

    Any plan that reaches the goal in as many calls as allowed is right; one with a call that cannot be made is not.
    `calls` is the share of a plan's calls that could be made. A design's own code can search for a plan without a model
    once it has read the question; one that never asks a model is not scored. Telling designs apart: those that
    carry a plan out in their heads and mend it against those that write one down at once.
    """

    name = "tool_plan"
    description = "plan calls to tools so that a goal is reached; needs a plan that is checked step by step"
    answer_form = "The calls, one a line, e.g. `move(hall)`, with nothing after them."
    metric = "reached"
    rungs = (
        QuestionRung(8, size={"rooms": 3, "locked": 0, "parcels": 1}),
        QuestionRung(50, size={"rooms": 4, "locked": 1, "parcels": 1}),
        QuestionRung(100, size={"rooms": 5, "locked": 1, "parcels": 2}),
        QuestionRung(200, size={"rooms": 6, "locked": 2, "parcels": 2}),
    )

    def item(self, rng, size):
        world = _drawn(rng, **size)
        plan = _plan(world)
        world["most"] = len(plan) + len(plan) // 2
        return _told(world), json.dumps(world) + "\n" + "\n".join(plan)

    def grade(self, predictions, labels):
        pairs = zip(predictions, labels, strict=True)
        done = [_carried_out(answer, json.loads(label.partition("\n")[0])) for answer, label in pairs]
        return {
            "reached": np.array([float(reached) for reached, _ in done]),
            "calls": np.array([share for _, share in done]),
        }


def _drawn(rng, rooms, locked, parcels):
    """Return a world: a tree of rooms; each key lies where one can come without the doors drawn later."""
    names = rng.sample(ROOMS, rooms)
    doors = [[names[rng.randrange(number)], names[number]] for number in range(1, rooms)]
    shut = sorted(rng.sample(range(rooms - 1), locked))
    colours = rng.sample(COLOURS, locked)
    locks = {names[door + 1]: colour for door, colour in zip(shut, colours, strict=True)}
    lies = {f"{colour} key": names[rng.randint(0, door)] for door, colour in zip(shut, colours, strict=True)}
    goal = {}
    for parcel in rng.sample(PARCELS, parcels):
        lies[parcel], goal[parcel] = rng.sample(names, 2)
    return {"at": names[0], "doors": doors, "locks": locks, "lies": lies, "goal": goal}


def _told(world):
    locks = {room: f" (locked; opens with the {colour} key)" for room, colour in world["locks"].items()}
    doors = "\n".join(f"- {one} and {other}{locks.get(other, '')}" for one, other in sorted(world["doors"]))
    lies = "\n".join(f"- {thing}: {room}" for thing, room in sorted(world["lies"].items()))
    goal = " and ".join(f"the {thing} lies in the {room}" for thing, room in sorted(world["goal"].items()))
    return f"""\
A robot is told what to do by calls to its tools:
- move(ROOM): go to a room that a door joins to this one; the door must not be locked.
- take(THING): take a thing that lies in this room; the robot holds {HANDS} things at most.
- drop(THING): lay a thing that it holds down in this room.
- unlock(ROOM): unlock the door between this room and that one for good; the robot must hold the key.

Doors:
{doors}

Where things lie:
{lies}

The robot is in the {world["at"]} and holds nothing. Write a plan of at most {world["most"]} calls, one a line, after
which {goal}. A call that cannot be made spoils the plan."""


def _plan(world):
    """Return a plan that reaches the goal: first all doors in the order drawn, then parcel after parcel."""
    above = {other: one for one, other in world["doors"]}
    at, calls = world["at"], []

    def go(room):
        nonlocal at
        calls.extend(f"move({step})" for step in _way(above, at, room))
        at = room

    for room, colour in world["locks"].items():
        go(world["lies"][f"{colour} key"])
        calls.append(f"take({colour} key)")
        go(above[room])
        calls.extend((f"unlock({room})", f"drop({colour} key)"))
    for parcel, room in world["goal"].items():
        go(world["lies"][parcel])
        calls.append(f"take({parcel})")
        go(room)
        calls.append(f"drop({parcel})")
    return calls


def _way(above, start, end):
    """Return the rooms to go through from one room of a tree to another, the last included."""
    up, down = [start], [end]
    while up[-1] in above:
        up.append(above[up[-1]])
    while down[-1] not in up:
        down.append(above[down[-1]])
    return [*up[1 : up.index(down[-1]) + 1], *down[-2::-1]]


def _call(line):
    return CALL.fullmatch(line.strip())


def _carried_out(answer, world):
    """Return whether the plan in an answer reaches the goal, and what share of its calls could be made."""
    calls = [_call(line).groups() for line in last_block(answer[-20_000:], _call)]
    if not calls or len(calls) > MOST_CALLS:
        return False, 0.0
    robot = _Robot(world)
    made = next((number for number, call in enumerate(calls) if not robot.does(*call)), len(calls))
    return made == len(calls) <= world["most"] and robot.has_reached_the_goal, made / len(calls)


class _Robot:
    """The world while a plan is carried out."""

    def __init__(self, world):
        self._at, self._lies, self._goal = world["at"], dict(world["lies"]), world["goal"]
        self._doors = {frozenset(door) for door in world["doors"]}
        self._locks = {
            frozenset(door): f"{world['locks'][door[1]]} key"
            for door in world["doors"]
            if door[1] in world["locks"]
        }
        self._holds = set()

    @property
    def has_reached_the_goal(self):
        return all(self._lies.get(thing) == room for thing, room in self._goal.items())

    def does(self, tool, thing):
        """Make a call; return whether it could be made."""
        door = frozenset((self._at, thing))
        if tool == "move" and door in self._doors and door not in self._locks:
            self._at = thing
        elif tool == "take" and self._lies.get(thing) == self._at and len(self._holds) < HANDS:
            self._holds.add(thing)
            del self._lies[thing]
        elif tool == "drop" and thing in self._holds:
            self._holds.remove(thing)
            self._lies[thing] = self._at
        elif tool == "unlock" and door in self._locks and self._locks[door] in self._holds:
            del self._locks[door]
        else:
            return False
        return True
