// What is wrong with a _config, in one sentence each: a name that is misspelt is never passed over.
local words = import 'words.libsonnet';

local settings = {
  enabled: 'boolean',
  severity: 'string',
  'for': 'string',
  keepFiringFor: 'string',
  labels: 'object',
};
local types = {
  selector: 'string',
  clusterLabel: 'string',
  languages: 'array',
  runbookUrl: 'string',
  pageUrl: 'string',
  additionalRuleLabels: 'object',
  thresholds: 'object',
  alerts: 'object',
};
local languages = ['en', 'zh-CN'];

local listed(names) = std.join(', ', names);
local endsWith(name, end) = std.endsWith(name, end);

// Only of whole numbers, each with another unit of Prometheus, the longest first.
local isDuration(value) =
  std.type(value) == 'string' && value != '' &&
  local parts = words.parts(value);
  local order = [std.find(part[1], ['y', 'w', 'd', 'h', 'm', 's']) for part in parts];
  std.length([one for one in order if one == []]) == 0 &&
  std.length([part for part in parts if part[0] == '' || std.length(std.findSubstr('.', part[0])) > 0]) == 0 &&
  std.length([i for i in std.range(1, std.length(order) - 1) if order[i][0] <= order[i - 1][0]]) == 0;

// Looked back over no time at all nothing is found, and Prometheus refuses it.
local isSome(duration) = std.length([c for c in std.stringChars(duration) if std.length(std.findSubstr(c, '123456789')) > 0]) > 0;

local isLabelName(text) =
  local isBetween(c, from, to) = std.codepoint(c) >= std.codepoint(from) && std.codepoint(c) <= std.codepoint(to);
  local isLetter(c) = c == '_' || isBetween(c, 'a', 'z') || isBetween(c, 'A', 'Z');
  text != '' && isLetter(text[0]) &&
  std.length([c for c in std.stringChars(text) if !isLetter(c) && !isBetween(c, '0', '9')]) == 0;

// Prometheus 2 loads no rule with a label of another name, and an older Alertmanager takes no alert with it.
local ofLabels(where, value) =
  (if std.length([n for n in std.objectFields(value) if std.type(value[n]) != 'string']) > 0 then [where + ' must be texts'] else []) +
  [where + ': ' + n + ' cannot be the name of a label' for n in std.objectFields(value) if !isLabelName(n)];

local ofThreshold(name, value, shipped) =
  local where = 'threshold ' + name;
  if std.type(shipped) == 'string' then
    if isDuration(value) && isSome(value) then [] else [where + " must be a length of time like '" + shipped + "'"]
  else if std.type(value) != 'number' then [where + ' must be a number']
  else if endsWith(name, 'Ratio') && (value <= 0 || value > 1) then [where + ' must be above 0 and at most 1']
  else if value <= 0 then [where + ' must be above 0']
  else [];

local ofSetting(alert, name, value) =
  local where = 'alert ' + alert + ': ' + name;
  if !std.objectHas(settings, name) then
    ['alert ' + alert + ' has no setting ' + name + '; there are ' + listed(std.objectFields(settings))]
  else if std.member(['for', 'keepFiringFor'], name) then
    if isDuration(value) then [] else [where + " must be a length of time like '15m'"]
  else if std.type(value) != settings[name] then [where + ' must be of type ' + settings[name]]
  else if name == 'severity' && value == '' then [where + ' must not be empty']
  else if name == 'labels' then ofLabels(where, value)
  else [];

local ofTypes(config) = std.flattenArrays([
  if !std.objectHas(types, name) then ['there is no setting ' + name + '; there are ' + listed(std.objectFields(types))]
  else if std.type(config[name]) != types[name] then [name + ' must be of type ' + types[name]]
  else []
  for name in std.objectFields(config)
]);

local ofLanguages(chosen) =
  (if chosen == [] then ['languages must name one at least'] else []) +
  ['there is no language ' + one + '; there are ' + listed(languages) for one in chosen if !std.member(languages, one)] +
  (if std.length(std.uniq(std.sort(chosen))) < std.length(chosen) then ['languages must name each once'] else []);

// What is nearly full is not full yet: the other way round an alert would never fire.
local ofOrder(values) = [
  'threshold ' + pair[0] + ' must be below ' + pair[1]
  for pair in [
    ['faceSetNearlyFullRatio', 'faceSetFullRatio'],
    ['faceSetQuotaNearlyUsedRatio', 'faceSetQuotaUsedUpRatio'],
  ]
  if values[pair[0]] >= values[pair[1]]
];

local ofContents(config, thresholds, alerts) =
  ofLanguages(config.languages) +
  (if std.startsWith(std.lstripChars(config.selector, ' \t\n'), '{') then ['selector must have no braces around it'] else []) +
  (if isLabelName(config.clusterLabel) then [] else ['clusterLabel must be the name of a label']) +
  ofLabels('additionalRuleLabels', config.additionalRuleLabels) +
  [
    'there is no threshold ' + name + '; thresholds.libsonnet has those that there are'
    for name in std.objectFields(config.thresholds)
    if !std.objectHas(thresholds, name)
  ] +
  std.flattenArrays([
    ofThreshold(name, config.thresholds[name], thresholds[name].value)
    for name in std.objectFields(config.thresholds)
    if std.objectHas(thresholds, name)
  ]) +
  std.flattenArrays([
    if !std.member(alerts, name) then ['there is no alert ' + name]
    else if std.type(config.alerts[name]) != 'object' then ['alert ' + name + ' must be of type object']
    else std.flattenArrays([
      ofSetting(name, setting, config.alerts[name][setting])
      for setting in std.objectFields(config.alerts[name])
    ])
    for name in std.objectFields(config.alerts)
  ]);

// All that is wrong: types first, then what is in them, then how thresholds go together.
function(config, thresholds, alerts)
  local first = ofTypes(config);
  local second = if first == [] then ofContents(config, thresholds, alerts) else first;
  if second == [] then ofOrder({ [name]: thresholds[name].value for name in std.objectFields(thresholds) } + config.thresholds)
  else second
