// What the alerts on regions say.
{
  FrsCloudUnreachable: {
    summary: {
      en: 'An FRS exporter gets no answers from any region.',
      'zh-CN': 'FRS exporter 得不到任何区域的答复。',
    },
    description: {
      en: |||
        {{ $labels.instance }} of job {{ $labels.job }} gets no answers about most of its projects, wherever they are: its
        own network, DNS or proxy is down, or all of the cloud. Run frs-exporter check beside it, and from elsewhere.
      |||,
      'zh-CN': |||
        任务 {{ $labels.job }} 的 {{ $labels.instance }} 的多数项目无论在哪个区域都没有答复：它自己的网络、域名解析或代理中断，或整个云故障。
        请在它旁边和别处各运行一次 frs-exporter check。
      |||,
    },
  },

  FrsRegionUnreachable: {
    summary: {
      en: 'FRS of a region gives no answers.',
      'zh-CN': '某个区域的 FRS 没有答复。',
    },
    description: {
      en: |||
        {{ $value | humanizePercentage }} of the projects in {{ $labels.region }} get no answers, whichever account they
        are of: the region, its IAM or the way there is down. Look at the vendor's health dashboard; calls of your own may
        fail as well.
      |||,
      'zh-CN': |||
        {{ $labels.region }} 有 {{ $value | humanizePercentage }} 的项目没有答复，无论属于哪个账号：该区域、其 IAM 或到它的网络中断。
        请查看华为云的状态公告；您自己的调用也可能失败。
      |||,
    },
  },
}
