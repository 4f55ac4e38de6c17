"""The report as a reader meets it: opened from disk in a real browser that is not on the network."""

import pytest
from support.browser import chromium, opened
from support.sample_report import sample_report
from test_report import HOSTILE, hostile

from agentarch.report import render_page


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files of a full report, one of nothing, and one in which every text is hostile."""
    folder = tmp_path_factory.mktemp("pages")
    reports = {"full": sample_report(), "empty": {}, "hostile": hostile(sample_report())}
    files = {name: folder / f"{name}.html" for name in reports}
    for name, report in reports.items():
        files[name].write_text(render_page(report))
    return files


def hover_over_niche(page, niche):
    """Point at a niche's cell, and return what comes up."""
    panel, column, row = niche
    page.locator(f"[data-figure=niches-{panel}]").scroll_into_view_if_needed()
    x, y = page.evaluate(
        """([panel, column, row]) => {
            const place = document.querySelector(`[data-figure=niches-${panel}]`);
            const {xaxis, yaxis} = place._fullLayout, box = place.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.l2p(column), box.top + yaxis._offset + yaxis.l2p(row)];
        }""",
        [panel, column, row],
    )
    page.mouse.move(x + 3, y + 3)
    page.mouse.move(x, y)
    told = page.locator(f"[data-figure=niches-{panel}] .hovertext")
    told.wait_for()
    return told.text_content()


def best_elite(report):
    return max((one for one in report["designs"] if one["is_elite"]), key=lambda one: one["score"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("name", ["full", "empty", "hostile"])
def test_a_page_opens_without_errors_requests_or_sideways_scrolling(name, width, scheme, browser, pages):
    with opened(browser, pages[name], width, scheme) as seen:
        drawn = seen.page.locator(".plot .main-svg").count()
        assert (drawn > 0) is (name != "empty")
        seen.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert seen.width_of_content <= width
        assert seen.errors == []
        assert seen.requests == []


def test_pointing_at_a_niche_tells_its_design_score_and_interval(browser, pages):
    design = best_elite(sample_report())
    with opened(browser, pages["full"]) as seen:
        told = hover_over_niche(seen.page, design["niche"])
    low, high = design["interval"]
    assert design["name"] in told
    assert f"{design['score']:.3f} [{low:.3f}, {high:.3f}]" in told


def test_a_hostile_name_comes_up_as_the_text_that_it_is(browser, pages):
    with opened(browser, pages["hostile"]) as seen:
        told = hover_over_niche(seen.page, best_elite(sample_report())["niche"])
        assert seen.page.locator("img").count() == 0
        assert seen.errors == []
    assert told.startswith(HOSTILE[:16])


def test_light_and_dark_differ_and_figures_follow_when_the_light_changes(browser, pages):
    front = "[data-figure=front-parameters]"
    with opened(browser, pages["full"], scheme="light") as seen:
        light = seen.page.screenshot(), seen.page.locator(front).screenshot()
        seen.page.emulate_media(color_scheme="dark")
        seen.page.wait_for_timeout(300)
        changed = seen.page.locator(front).screenshot()
    with opened(browser, pages["full"], scheme="dark") as seen:
        dark = seen.page.screenshot(), seen.page.locator(front).screenshot()
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert changed == dark[1]


def test_a_script_that_found_its_way_into_the_page_would_not_run(browser, pages):
    with opened(browser, pages["full"]) as seen:
        with seen.page.expect_event("requestfailed") as asked:
            seen.page.evaluate(
                """() => {
                    const script = document.createElement("script");
                    script.textContent = "window.wasRun = true";
                    document.body.append(script);
                    document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.wasRun = true'>");
                    document.body.insertAdjacentHTML("beforeend", "<img src='https://localhost/seen.png'>");
                }"""
            )
        assert asked.value.failure == "csp"
        seen.page.wait_for_timeout(300)
        assert seen.page.evaluate("window.wasRun") is None
        assert sum("Content Security Policy" in error for error in seen.errors) == 3


def test_the_page_can_be_read_with_the_keyboard_alone(browser, pages):
    with opened(browser, pages["full"]) as seen:
        reached = set()
        for _ in range(60):
            seen.page.keyboard.press("Tab")
            reached.add(seen.page.evaluate("document.activeElement.closest('section, nav')?.id || 'nav'"))
            if seen.page.evaluate("document.activeElement.matches('#niches details:not([open]) > summary')"):
                seen.page.keyboard.press("Enter")
        assert {"nav", "niches", "front", "finalists", "outcomes", "decisions"} <= reached
        assert seen.page.locator("#niches table").is_visible()


def test_following_a_finalist_from_the_table_opens_its_design(browser, pages):
    with opened(browser, pages["full"]) as seen:
        second = seen.page.locator("#design-2 h3").first
        assert not second.is_visible()
        seen.page.locator("a[href='#design-2']").click()
        second.wait_for(state="visible")
