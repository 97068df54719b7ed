// All groups of rules, whole: each alert with its texts, each on one line, and with the settings that it is shipped with.
local words = import 'lib/words.libsonnet';

local parts = [
  [import 'rules/exporter.libsonnet', import 'texts/exporter.libsonnet'],
  [import 'rules/polls.libsonnet', import 'texts/polls.libsonnet'],
  [import 'rules/regions.libsonnet', import 'texts/regions.libsonnet'],
  [import 'rules/subscriptions.libsonnet', import 'texts/subscriptions.libsonnet'],
  [import 'rules/face_sets.libsonnet', import 'texts/face_sets.libsonnet'],
  [import 'rules/calls.libsonnet', import 'texts/calls.libsonnet'],
  [import 'rules/accounts.libsonnet', import 'texts/accounts.libsonnet'],
];
local isSetting(name) = std.member(['for', 'keepFiringFor', 'severity'], name);

local whole(rule, texts) =
  { [name]: rule[name] for name in std.objectFields(rule) if !isSetting(name) && name != 'expr' } +
  { expr: words.stripped(rule.expr) } +
  if !std.objectHas(rule, 'alert') then {} else {
    settings: { [name]: rule[name] for name in std.objectFields(rule) if isSetting(name) },
    texts: {
      [part]: { [language]: words.folded(texts[rule.alert][part][language]) for language in ['en', 'zh-CN'] }
      for part in ['summary', 'description']
    },
  };

[part[0] { rules: [whole(rule, part[1]) for rule in super.rules] } for part in parts]
