"""A made-up report of a whole night, the same for the same seed: what pages and tests look at."""

import difflib
import math
import random
from typing import Any

AXES = [
    {"name": "parameters", "low": 10_000, "high": 320_000, "bins": 5, "log": True},
    {"name": "mixing_range", "low": 0.3, "high": 0.9, "bins": 6, "log": False},
    {"name": "content_dependence", "low": 0.0, "high": 0.4, "bins": 5, "log": False},
]
TASKS = [
    ("recall", "give the value that followed a key earlier on; attention does, a small state does not"),
    ("parity", "count ones modulo two so far; recurrence does, attention does not"),
    ("stack", "close brackets in the right order, deeper than in training"),
]
_PARTS = ("gated", "sparse", "delta", "twin", "shared", "slow", "banded")
_MIXERS = ("attention", "recurrence", "convolution", "state_space", "memory")
_OPERATORS = ("swap", "graft", "resize", "cross", "tie")

PARENT_SOURCE = '''"""A gated recurrence: one state a channel, opened and closed by the input."""

import torch
from torch import nn


class Mixer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, width)
        self.carry = nn.GRU(width, width, batch_first=True)

    def forward(self, x):
        return torch.sigmoid(self.gate(x)) * self.carry(x)[0]


def build(spec):
    return Mixer(64)
'''
SOURCE = PARENT_SOURCE.replace("Mixer(64)", "Mixer(96)").replace(
    "        return torch.sigmoid(self.gate(x)) * self.carry(x)[0]\n",
    "        state = self.carry(x)[0]\n        # what was read long ago must be able to wait\n"
    "        return torch.sigmoid(self.gate(x)) * state + x\n",
)


def sample_report(seed: int = 7, designs: int = 40) -> dict[str, Any]:
    """Return a full report whose verdict is that the winner beat the control."""
    rng = random.Random(seed)
    scored = [_design(rng, number, designs) for number in range(designs)]
    _crown(scored)
    finalists = _finalists(rng, scored)
    by_proposer = {
        "evolve": {"scored": 171, "invalid": 9, "timeout": 3, "out_of_memory": 1},
        "random": {"scored": 120, "invalid": 31, "timeout": 6, "output_limit": 1},
        "seeds": {"scored": 40, "infrastructure": 1},
    }
    names = sorted({name for counts in by_proposer.values() for name in counts})
    held = sum(design["is_elite"] for design in scored)
    return {
        "run_dir": "runs/20260412-180000-7f3a",
        "created_at": 1_776_016_800.0,
        "version": "0.1.0",
        "config": {"kind": "network", "tasks": [name for name, _ in TASKS], "time": 28800.0, "seed": None},
        "stopped": "time",
        "tasks": [
            {"name": name, "description": text, "metric": "accuracy", "chance": 0.125, "ceiling": 1.0}
            for name, text in TASKS
        ],
        "verdict": {
            "sentence": f"{finalists[0]['name']} beat the best random proposal by 0.084 in score (95% "
            "interval 0.031 to 0.137, 72 seed and task pairs, corrected for 40 candidates).",
            "beat_control": True,
            "winner": finalists[0]["id"],
            "control": "best random proposal",
            "difference": {"value": 0.084, "low": 0.031, "high": 0.137, "n": 72},
            "candidates": designs,
            "finalists": 3,
            "notes": ["The test split was opened once, for the winner and the controls."],
        },
        "axes": AXES,
        "coverage": held / 150,
        "qd_score": sum(max(0.0, d["score"]) for d in scored if d["is_elite"]),
        "designs": scored,
        "progress": _progress(rng),
        "finalists": finalists,
        "decisions": [
            {
                "number": 31 + 17 * number,
                "kind": rng.choice(("promoted", "stopped early", "rescored", "more seeds")),
                "reason": f"{rng.choice(scored)['name']} leads by {rng.random() / 5:.3f} over n = "
                f"{rng.randint(4, 40)}; its interval lies above the median of its rung",
            }
            for number in range(60)
        ],
        "outcomes": {
            "by_class": {name: sum(counts.get(name, 0) for counts in by_proposer.values()) for name in names},
            "by_proposer": by_proposer,
        },
        "cost": {
            "wall_seconds": 28_790.0,
            "cpu_seconds": 54_100.0,
            "evaluations": 383,
            "by_arm": {
                "search": {"evaluations": 184, "steps": 61000, "cpu_seconds": 26_900.0},
                "random": {"evaluations": 158, "steps": 60800, "cpu_seconds": 22_700.0},
                "baseline": {"evaluations": 41, "steps": 0, "cpu_seconds": 4500.0},
            },
        },
        "shortcuts": [
            {"name": name, "stands_in_for": target, "among": among, "correlation": correlation, "n": n}
            for name, target, among, correlation, n in (
                ("rung 1", "rung 2", "the best, which climbed", 0.71, 16),
                ("rung 2", "rung 3", "the best, which climbed", 0.83, 5),
                ("parameters", "rung 1", "all that were scored", 0.41, 40),
                ("zero_cost_gradient_norm", "rung 1", "all that were scored", 0.22, 40),
                ("zero_cost_jacobian_covariance", "rung 1", "all that were scored", -0.08, 38),
                ("zero_cost_synflow", "rung 1", "all that were scored", None, 2),
                ("the frozen recipe", "a learning rate of its own", "those that were tuned", 0.8, 4),
            )
        ],
        "authoring": _authoring(),
    }


def sample_agent_report(seed: int = 7) -> dict[str, Any]:
    """Return a report of a run of agents: the same night, told of pipelines."""
    report = sample_report(seed)
    report["config"] |= {"kind": "agent"}
    report["axes"] = [
        {"name": "tokens", "low": 16, "high": 16384, "bins": 5, "log": True},
        {"name": "depth", "low": 1, "high": 16, "bins": 6, "log": True},
        {"name": "width", "low": 1, "high": 32, "bins": 5, "log": True},
    ]
    for design in report["designs"]:
        tokens = design["parameters"] / 40
        design |= {"parameters": None, "latency_seconds": tokens / 90, "measures": {"calls": 4.0}}
        design["descriptors"] = {"tokens": tokens, "depth": 2.0, "width": 3.0, "revision_share": 0.5}
    for one in report["finalists"]:
        one["swept"] = None
    report["shortcuts"] = [one | {"name": "tokens"} for one in report["shortcuts"][3:4]]
    del report["authoring"]
    report["pipelines"] = [_pipeline(one) for one in report["finalists"][:2]]
    return report


def _pipeline(design: dict[str, Any]) -> dict[str, Any]:
    labels = ("Split the question into parts.", "Think step by step.", "Is the answer …? Yes or no.")
    labels += ("Weigh their opinions against your own.",)
    levels, wrong = (0, 1, 1, 2), (11, 40, 0, 9)
    return {
        "id": design["id"],
        "name": design["name"],
        "role": design["role"],
        "questions": 200,
        "wrong": 60,
        "is_checkable": True,
        "faults": {"never": 31, "introduced": 20, "lost": 9},
        "rare_calls": 0.02,
        "steps": [
            {
                "number": number,
                "level": level,
                "label": label,
                "prompt": f"Who is the boss of Mira?\n{label}",
                "share": 1.0 if number < 4 else 0.6,
                "calls": float(number),
                "tokens": 120.0 * number,
                "seconds": 0.4,
                "right": 0.2 * number,
                "first_errors": errors,
                "first_error_share": errors / 60,
                "faults": {"never": errors},
            }
            for number, (label, level, errors) in enumerate(zip(labels, levels, wrong, strict=True), start=1)
        ],
        "links": [
            {"start": start, "to": to, "share": share}
            for start, to, share in ((0, 1, 1.0), (1, 2, 0.9), (1, 3, 0.7), (2, 4, 0.6), (3, 4, 0.2))
        ]
        + [{"start": 4, "to": 0, "share": 0.6}, {"start": 2, "to": 0, "share": 0.4}],
    }


def _authoring() -> dict[str, Any]:
    def tally(requests: int, dollars: float | None) -> dict[str, Any]:
        return {
            "requests": requests,
            "input_tokens": 9_120 * requests,
            "output_tokens": 640 * requests,
            "cached_tokens": 5_400 * requests,
            "dollars": dollars,
            "cache_hits": 3,
            "retries": requests // 20,
            "failed": requests // 17,
            "latency_seconds": 6.4 * requests,
        }

    def trials(name: str, tried: int, gained: int, dollars: float | None) -> dict[str, Any]:
        share = gained / tried
        return {
            "name": name,
            "tried": tried,
            "gained": gained,
            "share": {"value": share, "low": 0.6 * share, "high": 0.4 + 0.6 * share, "n": tried},
            "dollars": dollars,
            "per_dollar": gained / dollars if dollars else None,
        }

    def mean(value: float, half: float, n: int) -> dict[str, Any]:
        return {"value": value, "low": value - half, "high": value + half, "n": n}

    names = ("large-model", "small-model")
    return {
        "ledger": {
            **tally(412, 3.87),
            "untold": {"requests": 4, "tokens": 52_000, "dollars": 0.14},
            "by_model": {names[0]: tally(150, 3.1), names[1]: tally(262, 0.77)},
            "by_role": {"propose": tally(190, 2.2), "reflect": tally(180, 1.2), "repair": tally(42, 0.47)},
        },
        "ceilings": {"dollars": 5.0, "tokens": None, "requests": 1000},
        "elites": 17,
        "gains": 31,
        "dollars_per_elite": 3.87 / 17,
        "dollars_per_gain": 3.87 / 31,
        "stages": {"drafting": 2, "pending_review": 3, "queued": 148, "rejected": 6, "failed": 21},
        "faults": [
            {"kind": kind, "count": count, "example": example, "proposal": proposal}
            for kind, count, example, proposal in (
                ("smoke", 24, "invalid in its smoke run: mat1 and mat2 shapes cannot be multiplied", "p171"),
                ("concerns", 19, "the gate reads the position after its own", "p166"),
                ("unreadable", 7, "edit 2 matches 3 places of the parent; quote more of it", "p140"),
                ("duplicate", 5, "it acts exactly like twin_recurrence (3f9c2a10)", "p133"),
            )
        ],
        "by_model": [trials(names[0], 60, 14, 3.1), trials(names[1], 109, 17, 0.77)],
        "by_operator": [
            trials("refine", 70, 12, 1.4),
            trials("cross", 41, 9, 1.1),
            trials("fill", 30, 4, 0.0),
        ],
        "by_pack": [trials("99a78c601b1b", 169, 31, 3.87)],
        "reviews": [
            {"proposal": "p12", "name": "slow_memory", "decision": "approve", "reason": "", "by": "anna"},
            {
                "proposal": "p31",
                "name": "twin_attention",
                "decision": "reject",
                "reason": "it renames a layer and changes nothing",
                "by": "anna",
            },
        ],
        "lessons": [
            {
                "id": f"p{number}",
                "claim": claim,
                "weight": weight,
                "right": right,
                "wrong": wrong,
                "undecided": 2,
                "predicted": 0.05,
                "measured": measured,
            }
            for number, claim, weight, right, wrong, measured in (
                (8, "A residual path past the gate helps tasks that must wait.", 0.81, 6, 1, 0.043),
                (21, "Half the heads suffice for recall.", 0.62, 2, 1, -0.002),
                (40, "A wider embedding helps parity.", 0.21, 0, 4, -0.038),
            )
        ],
        "uses": [
            {
                "run_dir": f"runs/night-{placebo}",
                "placebo": placebo,
                "proposals": 150,
                "to_shown": mean(shown, 0.03, 150) if shown else None,
                "to_chosen": mean(withheld, 0.02, 150) if withheld else None,
                "to_others": mean(0.17, 0.02, 150),
                "closer": mean(shown - 0.17, 0.03, 150) if shown else None,
                "gained": 31,
                "share": mean(share, 0.07, 150),
                "change": mean(0.011, 0.014, 120),
                "best": mean(best, 0.03, 9),
                "best_name": "gated_recurrence",
            }
            for placebo, shown, withheld, share, best in (
                ("chosen", 0.44, None, 0.21, 0.71),
                ("shuffled", 0.39, 0.19, 0.14, 0.66),
                ("none", None, 0.18, 0.12, 0.64),
            )
        ],
        "comparisons": [
            {
                "placebo": "shuffled",
                "difference": mean(0.07, 0.09, 300),
                "runs": 1,
                "placebo_runs": 1,
                "sentence": "Whether showing the chosen parents helped against shuffled parents cannot be told.",
            }
        ],
        "sentence": "Whether showing the chosen parents helped against shuffled parents cannot be told.",
        "notes": ["runs/night-none also differs in: reflect."],
    }


def _design(rng: random.Random, number: int, designs: int) -> dict[str, Any]:
    arm = "baseline" if number < 5 else "random" if number % 3 == 0 else "search"
    parameters = int(math.exp(rng.uniform(math.log(11_000), math.log(300_000))))
    luck = {"baseline": 0.42, "random": 0.36, "search": 0.46}[arm] + 0.25 * number / designs * (
        arm == "search"
    )
    score = min(0.97, luck + 0.05 * math.log(parameters / 40_000) + rng.gauss(0, 0.09))
    half = rng.uniform(0.015, 0.05)
    mixing, content = rng.uniform(0.3, 0.9), rng.uniform(0.0, 0.4)
    niche = [
        min(4, int(5 * math.log(parameters / 10_000) / math.log(32))),
        min(5, int((mixing - 0.3) * 10)),
        min(4, int(content * 12.5)),
    ]
    return {
        "id": f"{rng.getrandbits(48):012x}",
        "name": f"{rng.choice(_PARTS)}_{rng.choice(_MIXERS)}",
        "arm": arm,
        "proposer": {"baseline": "seeds", "random": "random", "search": "evolve"}[arm],
        "operator": "seed" if arm == "baseline" else "sample" if arm == "random" else rng.choice(_OPERATORS),
        "parents": [],
        "score": score,
        "interval": [score - half, score + half],
        "n": rng.choice((1536, 3072, 4608)),
        "rung": 2 if score > 0.52 else 1,
        "descriptors": {"parameters": parameters, "mixing_range": mixing, "content_dependence": content},
        "parameters": parameters,
        "latency_seconds": parameters * 2.1e-8 * rng.uniform(0.7, 1.6) + 4e-4,
        "niche": niche,
        "is_elite": False,
        "measures": {"calibration_error": rng.uniform(0.01, 0.2), "flops_per_item": float(parameters * 64)},
    }


def _crown(scored: list[dict[str, Any]]) -> None:
    """Mark the best design of every niche."""
    best: dict[tuple[int, ...], dict[str, Any]] = {}
    for design in scored:
        holder = best.setdefault(tuple(design["niche"]), design)
        if design["score"] > holder["score"]:
            best[tuple(design["niche"])] = design
    for design in best.values():
        design["is_elite"] = True


def _finalists(rng: random.Random, scored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    best = {
        arm: sorted((d for d in scored if d["arm"] == arm), key=lambda d: -d["score"])
        for arm in ("search", "random", "baseline")
    }
    chosen = [(design, "finalist") for design in best["search"][:3]]
    chosen += [(best["random"][0], "best random"), (best["baseline"][0], "best seed")]
    parent = best["baseline"][0]
    found = []
    for design, role in chosen:
        confirmed = design["score"] - rng.uniform(0.0, 0.03)
        is_made = role == "finalist"
        test = {"value": confirmed - 0.01, "low": confirmed - 0.05, "high": confirmed + 0.03, "n": 24}
        swept = {
            "learning_rate": 2.0,
            "score": confirmed + 0.012,
            "interval": [confirmed - 0.02, confirmed + 0.044],
        }
        found.append(
            {
                **{key: design[key] for key in ("id", "name", "proposer", "operator", "n")},
                "role": role,
                "score": confirmed,
                "interval": [confirmed - 0.03, confirmed + 0.03],
                "tasks": {
                    name: {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 8}
                    for name, _ in TASKS
                    for value in [min(0.95, max(0.02, confirmed + rng.gauss(0, 0.15)))]
                },
                "test": None if role == "finalist" and found else test,
                "swept": swept if is_made else None,
                "rationale": "A residual path lets the state wait while the gate is shut.",
                "parents": [parent["id"]] if is_made else [],
                "lineage": [
                    {"id": parent["id"], "name": parent["name"], "operator": "seed"},
                ]
                if is_made
                else [],
                "source": SOURCE if is_made else PARENT_SOURCE,
                "parent_name": parent["name"] if is_made else None,
                "diff": "\n".join(
                    difflib.unified_diff(
                        PARENT_SOURCE.splitlines(),
                        SOURCE.splitlines(),
                        parent["name"],
                        design["name"],
                        lineterm="",
                    )
                )
                if is_made
                else None,
            }
        )
    return found


def _progress(rng: random.Random) -> list[dict[str, Any]]:
    points = []
    for arm, last, reach, niches in (
        ("search", 184, 0.74, 27),
        ("random", 158, 0.6, 15),
        ("baseline", 41, 0.5, 5),
    ):
        best, evaluations = 0.1, 4
        while evaluations < last:
            share = evaluations / last
            best = max(best, reach * (1 - math.exp(-4 * share)) + rng.gauss(0, 0.01))
            points.append(
                {
                    "arm": arm,
                    "evaluations": evaluations,
                    "cpu_seconds": (evaluations + rng.random()) * 146.0,
                    "best": best,
                    "interval": [best - 0.035, best + 0.035],
                    "coverage": niches * math.sqrt(share) / 150,
                }
            )
            evaluations += rng.randint(3, 14)
    return points
