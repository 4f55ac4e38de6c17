"""Word problems of SVAMP, which vary what is told and asked, from a local copy of its file.

Source: Patel et al., "Are NLP Models really able to Solve Simple Math Word Problems?", 2021; `SVAMP.json` of
https://github.com/arkilpatel/SVAMP, MIT licence.
"""

from agentarch.questions import Item, LoadedTask, json_array


class SVAMP(LoadedTask):
    """Problems of one or two steps, with numbers that are told and not needed.

    Telling designs apart: those that settle what is asked before they reckon against those that use every number.
    """

    name = "svamp"
    description = "short word problems with numbers that are not needed; `svamp:FILE` names the file"
    answer_form = "The number, alone or after `####`."
    metric = "numeric"
    file_name = "svamp.json"
    source = "https://github.com/arkilpatel/SVAMP (MIT)"

    def read(self, path):
        for record in json_array(path):
            told, asked = record.text("Body").strip(), record.text("Question").strip()
            (label,) = record.texts("Answer")[:1]
            stop = "" if told.endswith((".", "?", "!")) else "."
            yield Item(f"{told}{stop} {asked}", label, record.place, id=record.text("ID"))
