"""What `--help` says in Chinese, by its English texts: one that is changed must be translated anew."""

HEADINGS = {
    "Options": "选项",
    "Commands": "命令",
    "Options of serve, the default command": "默认命令 serve 的选项",
}
COMMANDS = {
    "check": "查询所有项目一次，说明开通了什么、什么没有开通",
    "completion": "输出 shell 的补全脚本",
    "config-example": "输出带有说明的示例配置",
    "config-schema": "输出配置文件的 JSON Schema，供编辑器使用",
    "demo": "连接模拟云运行 exporter",
    "explain": "解释错误码、原因、告警、退出码或日志行",
    "health": "询问 exporter 是否健康",
    "plan": "估算一份配置的请求量、内存、CPU 和分片数",
    "serve": "轮询配置中的项目并提供指标",
    "simulate": "只运行模拟云，并输出用于它的配置",
}
"""The commands, as their list has them."""
EXTRAS = {"env var: ": "环境变量：", "default: ": "默认：", "required": "必需", "(on)": "on", "; ": "；"}
"""What click puts in brackets after a flag's text."""
TEXTS = {
    # All commands
    "Show the version and exit.": "显示版本并退出。",
    "Show this message and exit.": "显示本帮助并退出。",
    "Language of this help: en or zh (default: as LANG says).": "本帮助的语言：en 或 zh（默认：由 LANG 决定）。",
    "en or zh (default: as LANG says).": "en 或 zh（默认：由 LANG 决定）。",
    "Examples:": "示例：",
    "Prometheus exporter for Huawei Cloud's Face Recognition Service (FRS).": (
        "华为云人脸识别服务（FRS）的 Prometheus exporter。"
    ),
    "Try it without an account:": "无账号试用：",
    "Take a first look:": "初步查看：",
    "Begin a config:": "开始写配置：",
    "Check a config:": "检查配置：",
    "Ask every project once:": "查询所有项目一次：",
    "Run it:": "运行：",
    "Understand an error:": "了解某个错误：",
    "The config, see config-example, or a folder of *.yaml files; repeatable.": (
        "配置文件（见 config-example），或含 *.yaml 文件的目录；可重复。"
    ),
    "Where refused secrets, as digests, and probes are remembered, so that no restart locks an account, or sends a "
    "probe too soon; none for nowhere (default: $STATE_DIRECTORY, or frs-exporter in $XDG_STATE_HOME or "
    "~/.local/state).": (
        "保存状态的目录：被拒绝的密码和密钥（只存摘要）、已发送的探测，使重启不会锁定账号，也不会过早重发探测；"
        "none 表示不保存（默认：$STATE_DIRECTORY，或 $XDG_STATE_HOME、~/.local/state 下的 frs-exporter）。"
    ),
    # serve
    "Poll the projects of a config and serve what is learned.": "轮询配置中的项目，并提供所得的指标。",
    "The config, see config-example, or a folder of *.yaml files; may be given several times; required.": (
        "配置文件（见 config-example），或含 *.yaml 文件的目录；可多次指定；必需。"
    ),
    "Check the config and exit: 0 good, 2 bad.": "检查配置并退出：0 正确，2 有误。",
    "How often to look whether the config, or a file it names, has changed; 0 for never.": (
        "每隔多久检查配置及其引用的文件是否改变；0 表示不检查。"
    ),
    "Where to serve; may be given several times.": "监听地址；可多次指定。",
    "Serve at the sockets that systemd hands over instead.": "改用 systemd 传入的 socket。",
    "TLS, logins, headers and rate limit, as for any Prometheus exporter.": (
        "TLS、登录、响应头和限速，与其他 Prometheus exporter 相同。"
    ),
    "Path of the metrics.": "指标的路径。",
    "Where others reach this, say through a proxy; its path comes before all others.": (
        "从外部（例如经由代理）访问本程序的地址；其路径是所有路径的前缀。"
    ),
    "What all paths begin with, where that is not the path of the external URL.": (
        "所有路径的前缀，与外部 URL 的路径不同时指定。"
    ),
    "Whether POST /-/reload and /-/retry do anything.": "POST /-/reload 和 /-/retry 是否生效。",
    "Write log lines from this level on.": "输出该级别及以上的日志。",
    "How log lines are written.": "日志的格式。",
    "Which part of the projects is this one's, from 0: a number, or a pod name like frs-exporter-3.": (
        "本实例负责的分片，从 0 开始：数字，或形如 frs-exporter-3 的 Pod 名称。"
    ),
    "How many exporters share the projects.": "由多少个 exporter 分担项目。",
    # check
    "Ask every project once and tell what is on, what is not, and why it is not known.": (
        "查询所有项目一次，说明开通了什么、什么没有开通，以及未知的原因。"
    ),
    "Requests are limited as the exporter limits them: with many projects it takes its time.": (
        "请求按 exporter 的限制发送：项目多时需要一些时间。"
    ),
    "Exit codes: 0 all well, or in trouble only soon; 1 something is down, or what is required off or unknown;": (
        "退出码：0 正常，或只有即将出现的问题；1 异常，或必需的子服务未开通或未知；"
    ),
    "2 usage or config;": "2 用法或配置有误；",
    "3 check itself failed, say as the output cannot be written; 130 Ctrl-C; 143 SIGTERM.": (
        "3 check 自身失败，例如无法写出结果；130 Ctrl-C；143 SIGTERM。"
    ),
    "Only these; may hold * and ?; repeatable.": "只查询这些项目；可含 * 和 ?；可重复。",
    "Ask these instead of the config's; repeatable.": "用这些采集器代替配置中的；可重复。",
    "Sub-services that must be on, with commas, instead of the config's require.": (
        "必须开通的子服务，以逗号分隔，代替配置中的 require。"
    ),
    "As what.": "输出格式。",
    "Where to; the file is replaced as a whole; - is standard output.": "输出到何处；文件被整体替换；- 为标准输出。",
    "Give up after so long, say 2m.": "超过该时间即放弃，例如 2m。",
    "Only this shard's projects.": "只查询该分片的项目。",
    "Of so many.": "分片总数。",
    "Without a config: the project's id (default: HUAWEICLOUD_SDK_PROJECT_ID, or the region's own).": (
        "无配置时：项目 ID（默认：HUAWEICLOUD_SDK_PROJECT_ID，或该区域自身的项目）。"
    ),
    "Without a config: its region (default: HW_REGION_NAME).": "无配置时：区域（默认：HW_REGION_NAME）。",
    "Without a config: a token, - reads it; instead of keys as HUAWEICLOUD_SDK_AK, _SK.": (
        "无配置时：Token，- 为从标准输入读取；代替 HUAWEICLOUD_SDK_AK、_SK 中的密钥。"
    ),
    "Without a config: heed HTTPS_PROXY, ALL_PROXY, NO_PROXY.": (
        "无配置时：使用 HTTPS_PROXY、ALL_PROXY、NO_PROXY 中的代理。"
    ),
    "Without a config: certificates to trust, as of a proxy.": "无配置时：受信任的证书，例如代理的证书。",
    "Without a config: where FRS is, if not at the region's address.": (
        "无配置时：FRS 的终端节点，不是区域的默认地址时指定。"
    ),
    "Show requests and the vendor's answers, too, without secrets.": "同时显示请求和华为云的答复，不含密码和密钥。",
    "Write requests and answers to it, without secrets, ids and names of the config, to attach to a report.": (
        "把请求和答复写入该文件，不含密码、密钥、ID 和配置中的名称，可附在问题报告中。"
    ),
    "Write log lines from this level on (default: none but of bugs).": (
        "输出该级别及以上的日志（默认：只输出程序缺陷的日志）。"
    ),
    # completion, config-example, config-schema
    "Print the completion script of a shell.": "输出某种 shell 的补全脚本。",
    "Put it where your shell looks:": "放到 shell 会查找的位置：",
    "Print a config file that explains every setting, to edit.": "输出一份配置文件供编辑，其中说明了每项设置。",
    "Print the JSON Schema of the config file, for editors.": "输出配置文件的 JSON Schema，供编辑器使用。",
    # demo, simulate
    "Run the exporter against a simulated cloud: nothing to set up, no account needed.": (
        "连接模拟云运行 exporter：无需任何准备，也不需要账号。"
    ),
    "How many projects to simulate (default 6).": "模拟的项目数（默认 6）。",
    "Run a simulated Huawei Cloud alone; a config that works against it is printed on standard output.": (
        "只运行模拟的华为云；在标准输出上打印可用于它的配置。"
    ),
    "Where to listen.": "监听地址。",
    "The poll_interval of the printed config.": "所打印配置的 poll_interval。",
    # explain
    "Tell what something means: CODE is a vendor's code, an HTTP status, a reason from the metrics or the log, the "
    "name of an alert, a metric, a collector or a key of the config, an exit code, or a line that the log, "
    "--config.check or the vendor has printed.": (
        "解释某项内容：CODE 是华为云的错误码、HTTP 状态码、指标或日志中的原因、告警、指标、采集器或配置项的名称、"
        "退出码，或日志、--config.check、华为云输出的一行文字。"
    ),
    "(lists all that is known)": "（列出全部已知内容）",
    # health
    "Ask an exporter whether it is healthy: exit code 0 if so, 1 if not or if there is no answer.": (
        "询问 exporter 是否健康：退出码 0 为健康，1 为不健康或没有响应。"
    ),
    "Where the exporter is; with --web.route-prefix, that too. /-/healthy may be at its end.": (
        "exporter 的地址；若使用 --web.route-prefix，应包含该前缀。末尾可带 /-/healthy。"
    ),
    "How long to wait, in all.": "总共等待多久。",
    "Do not look at the certificate, say of localhost.": "不校验证书，例如访问 localhost 时。",
    "A certificate to show, where the exporter wants one.": "exporter 要求客户端证书时出示的证书。",
    "Its key.": "该证书的私钥。",
    # plan
    "Tell what a config will cost: requests, the first round, memory, CPU, the page, and how many shards to use.": (
        "估算一份配置的开销：请求量、首轮耗时、内存、CPU、指标页大小，以及应使用多少分片。"
    ),
    "Projects that discovery will find are not known. CPU and memory are those of a machine of today, by what `make "
    "bench` measures: yours may differ by half.": (
        "discovery 将发现的项目未知，不计入。CPU 和内存按当今的机器、`make bench` 的实测估算，实际可能相差一半。"
    ),
    "Without a config: so many projects.": "无配置时：项目数。",
    "Without a config: so many keys.": "无配置时：密钥数。",
    "Without a config: what is asked of each; repeatable.": "无配置时：每个项目的采集器；可重复。",
    "Without a config: how often, say 5m.": "无配置时：轮询周期，例如 5m。",
}
